"""A half-received upload never reaches a page, whichever server runs Django."""

import asyncio
from typing import Any, cast

from a2wsgi import WSGIMiddleware

from tradepost.api.app import ASGIApp
from tradepost.config.incomplete_requests import complete_requests_only

SCOPE = {
    "type": "http", "http_version": "1.1", "method": "POST", "path": "/", "query_string": b"",
    "headers": [(b"content-length", b"100")],
}  # fmt: skip


def read(*messages: dict[str, object]) -> list[bytes | str]:
    """Return what a WSGI application reads if its client sends these messages."""
    found: list[bytes | str] = []
    coming = iter(messages)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        try:
            found.append(environ["wsgi.input"].read())
        except OSError as error:
            found.append(type(error).__name__)
        start_response("200 OK", [])
        return []

    async def receive() -> dict[str, object]:
        return next(coming)

    async def send(_message: dict[str, object]) -> None:
        pass

    async def serve() -> None:
        await complete_requests_only(cast("ASGIApp", WSGIMiddleware(cast("Any", application))))(SCOPE, receive, send)

    asyncio.run(serve())
    return found


def test_an_upload_is_read_whole() -> None:
    first = {"type": "http.request", "body": b"lines=1|a|10", "more_body": True}
    assert read(first, {"type": "http.request", "body": b"00"}) == [b"lines=1|a|1000"]


def test_whoever_hangs_up_in_the_middle_has_sent_nothing() -> None:
    first = {"type": "http.request", "body": b"lines=1|a|10", "more_body": True}
    assert read(first, {"type": "http.disconnect"}) == ["ClientDisconnectedError"]
