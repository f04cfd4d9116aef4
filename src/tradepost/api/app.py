"""API v2 as an ASGI application: the requests that `protocol` does not answer in place, startup and shutdown."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tradepost.api import handler
from tradepost.api.handler import GZIPPED, JSON_ONLY, SAFE, TEXT, TOO_LARGE, Reply
from tradepost.api.head_cache import Head
from tradepost.api.openapi import document as openapi_document
from tradepost.api.v2 import Api

BODY_BYTES_MAX = 1024 * 1024
THROWN_AWAY_BYTES_MAX = 16 * BODY_BYTES_MAX

# Neither does anything. No answer has a CORS header, so a browser shows none to a page of another site (decision 60).
_ANSWERED_APART = {
    "OPTIONS": Reply(204, b"", ((b"allow", b"GET, HEAD, OPTIONS, POST"),)),
    "HEAD": Reply(200, b"", JSON_ONLY),
}
_CALLS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_NOT_ALLOWED = Reply(405, b"Method not allowed\n", (TEXT, (b"allow", b"GET, HEAD, OPTIONS, POST")))

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class App:
    """The ASGI application for `/api/v2`. Its lifespan starts and stops the API's lanes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope.get("method") in _ANSWERED_APART:
            await _send(send, _ANSWERED_APART[scope["method"]])
            return
        if scope.get("method") not in _CALLS:
            await _send(send, _NOT_ALLOWED)
            return
        headers = dict(scope["headers"])
        body = await _body(headers, receive)
        if body is None:
            await _send(send, TOO_LARGE)
            return
        client = scope.get("client")
        call = handler.read_call(Head.of(scope["headers"]), scope["query_string"], body, client[0] if client else None)
        replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def done(reply: Reply) -> None:
            if not replied.done():  # else the client has gone
                replied.set_result(reply)

        handler.respond(self._api, call, done)
        await _send(send, await replied)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._api.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._api.stop()
        await send({"type": "lifespan.shutdown.complete"})


async def describe(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - an ASGI application
    """Serve the API's OpenAPI document. The caller needs no key."""
    if scope["method"] not in {"GET", "HEAD"}:
        await _send(send, Reply(405, b"Method not allowed\n", (TEXT, (b"allow", b"GET, HEAD"))))
        return
    document = openapi_document.encoded()
    takes_gzip = any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
    await _send(send, Reply(200, document.gzipped, GZIPPED) if takes_gzip else Reply(200, document.plain, JSON_ONLY))


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
    """Return the whole body, or None if it is larger than `BODY_BYTES_MAX`.

    The rest of a larger body is read and thrown away, up to `THROWN_AWAY_BYTES_MAX`. If the server stopped reading
    earlier, the client would see a broken connection instead of the answer 413.
    """
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > THROWN_AWAY_BYTES_MAX:
        return None
    parts: list[bytes] = []
    size = 0
    while size <= THROWN_AWAY_BYTES_MAX:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= BODY_BYTES_MAX:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if size <= BODY_BYTES_MAX else None
    return None


async def _send(send: Send, reply: Reply) -> None:
    length = [(b"content-length", b"%d" % len(reply.body))] if reply.body else []
    await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, *SAFE, *length]})
    await send({"type": "http.response.body", "body": reply.body})
