"""Runs the pages, a WSGI application, in a few threads. The event loop reads requests: a thread gets only whole ones.

So clients that send slowly or never finish hold no thread. Threads that are all busy are waited for; requests whose
client gives up meanwhile are dropped.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from a2wsgi import WSGIMiddleware

from tradepost.api.app import send_reply
from tradepost.api.asgi_types import ASGIApp, Receive, Scope, Send
from tradepost.api.handler import TEXT, TOO_LARGE, Reply
from tradepost.api.request_bodies import BodyTooLargeError, ClientDisconnectedError, read_body

WAITING_MAX = 1_000

_BUSY = Reply(503, b"Too many people are here at once; try again in a moment.\n", (TEXT, (b"retry-after", b"2")))


class PageThreads:
    """The pages as an ASGI application. `body_bytes_max` returns the largest body in bytes that a path may get."""

    def __init__(self, wsgi: Any, *, threads: int, body_bytes_max: Callable[[str], int]) -> None:
        # a2wsgi has its own types for ASGI events, and narrower types for WSGI than Django.
        self._application = cast("ASGIApp", WSGIMiddleware(cast("Any", wsgi), workers=threads))
        self._free = asyncio.Semaphore(threads)
        self._body_bytes_max = body_bytes_max
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request, wait for a free thread, and let it answer."""
        try:
            body = await read_body(scope, receive, bytes_max=self._body_bytes_max(scope["path"]))
        except BodyTooLargeError:
            await send_reply(send, TOO_LARGE)
            return
        except ClientDisconnectedError:
            return
        if self._waiting >= WAITING_MAX:
            await send_reply(send, _BUSY)
            return
        if not await self._begin(receive):
            return
        try:
            await self._application(_with_length(scope, len(body)), _whole(body), send)
        finally:
            self._free.release()

    async def _begin(self, receive: Receive) -> bool:
        """Wait for a free thread. Return False if the client disconnects first."""
        if not self._free.locked():
            return await self._free.acquire()
        self._waiting += 1
        turn = asyncio.ensure_future(self._free.acquire())
        gone = asyncio.ensure_future(_until_disconnected(receive))
        try:
            await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting -= 1
            gone.cancel()
            if not turn.done():
                turn.cancel()
        return turn.done() and not turn.cancelled()


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _with_length(scope: Scope, length: int) -> Scope:
    """Return the scope of a request whose body is not chunked: WSGI reads a body up to its announced length."""
    headers = [each for each in scope["headers"] if each[0] not in {b"content-length", b"transfer-encoding"}]
    if length or any(name == b"content-length" for name, _ in scope["headers"]):
        headers.append((b"content-length", b"%d" % length))
    return {**scope, "headers": headers}


def _whole(body: bytes) -> Receive:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
