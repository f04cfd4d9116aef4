"""A page's thread gets a request that is whole, and nothing else."""

import asyncio
import threading
from typing import Any

import pytest

from tests.waiting import HANG_SECONDS
from tradepost.config.page_threads import PageThreads

SCOPE = {
    "type": "http", "http_version": "1.1", "method": "POST", "path": "/", "query_string": b"",
    "headers": [(b"content-length", b"14")],
}  # fmt: skip
CHUNKED = {**SCOPE, "headers": [(b"transfer-encoding", b"chunked")]}
FILES_PATH = {**SCOPE, "path": "/files/"}
BYTES_MAX = 20


def read(scope: dict[str, Any], *messages: dict[str, object]) -> tuple[list[bytes], list[int]]:
    """Return what a WSGI application reads if its client sends these messages, and the statuses of the replies."""
    found: list[bytes] = []
    statuses: list[int] = []
    coming = iter(messages)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        start_response("200 OK", [])
        return []

    async def receive() -> dict[str, object]:
        return next(coming)

    async def send(message: dict[str, Any]) -> None:
        if "status" in message:
            statuses.append(message["status"])

    async def serve() -> None:
        pages = PageThreads(application, threads=1, body_bytes_max=lambda path: 100 if path == "/files/" else BYTES_MAX)
        await pages(scope, receive, send)

    asyncio.run(serve())
    return found, statuses


def body(text: bytes, *, more: bool = False) -> dict[str, object]:
    return {"type": "http.request", "body": text, "more_body": more}


@pytest.mark.parametrize("scope", [SCOPE, CHUNKED])
def test_an_upload_is_read_whole(scope: dict[str, Any]) -> None:
    assert read(scope, body(b"lines=1|a|10", more=True), body(b"00")) == ([b"lines=1|a|1000"], [200])


def test_a_client_that_disconnects_in_the_middle_has_sent_nothing() -> None:
    assert read(SCOPE, body(b"lines=1|a|10", more=True), {"type": "http.disconnect"}) == ([], [])


def test_a_body_that_is_too_large_reaches_no_thread() -> None:
    assert read(CHUNKED, body(b"x" * BYTES_MAX, more=True), body(b"x")) == ([], [413])
    announced = {**SCOPE, "headers": [(b"content-length", b"5000000000")]}
    assert read(announced) == ([], [413])


def test_where_files_are_taken_a_body_may_be_larger() -> None:
    text = b"x" * (BYTES_MAX + 1)
    assert read({**FILES_PATH, "headers": [(b"content-length", b"21")]}, body(text)) == ([text], [200])


def test_requests_wait_for_a_thread_and_those_whose_client_leaves_are_dropped() -> None:
    served: list[str] = []
    is_begun, may_end = threading.Event(), threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        served.append(environ["PATH_INFO"])
        is_begun.set()
        assert may_end.wait(HANG_SECONDS)
        start_response("200 OK", [])
        return []

    async def serve() -> None:
        pages = PageThreads(application, threads=1, body_bytes_max=lambda _: BYTES_MAX)
        left = asyncio.Event()

        async def ask(path: str) -> None:
            sent = iter([body(b"")])

            async def receive() -> dict[str, object]:
                if (message := next(sent, None)) is not None:
                    return message
                await left.wait()
                if path != "/leaves":
                    await asyncio.Event().wait()
                return {"type": "http.disconnect"}

            async def send(_message: dict[str, Any]) -> None:
                pass

            await pages({**SCOPE, "path": path}, receive, send)

        async with asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(ask("/first"))
            await asyncio.to_thread(is_begun.wait, HANG_SECONDS)
            leaves = tasks.create_task(ask("/leaves"))
            tasks.create_task(ask("/waits"))
            left.set()
            await leaves
            may_end.set()

    asyncio.run(serve())
    assert served == ["/first", "/waits"]
