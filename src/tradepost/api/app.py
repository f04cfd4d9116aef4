"""API v2 as an ASGI application: the requests that `protocol` does not answer in place, startup and shutdown."""

import asyncio

from tradepost.api import handler
from tradepost.api.asgi_types import Receive, Scope, Send
from tradepost.api.handler import GZIPPED, JSON_ONLY, SAFE, TEXT, TOO_LARGE, Reply
from tradepost.api.head_cache import Head
from tradepost.api.openapi import document as openapi_document
from tradepost.api.request_bodies import BODY_BYTES_MAX, BodyTooLargeError, ClientDisconnectedError, read_body
from tradepost.api.v2 import Api

# Neither does anything. No answer has a CORS header, so a browser shows none to a page of another site (decision 60).
_ANSWERED_APART = {
    "OPTIONS": Reply(204, b"", ((b"allow", b"GET, HEAD, OPTIONS, POST"),)),
    "HEAD": Reply(200, b"", JSON_ONLY),
}
READ_ONLY = Reply(405, b"Method not allowed\n", (TEXT, (b"allow", b"GET, HEAD")))
_CALLS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_NOT_ALLOWED = Reply(405, b"Method not allowed\n", (TEXT, (b"allow", b"GET, HEAD, OPTIONS, POST")))


class App:
    """The ASGI application for `/api/v2`. Its lifespan starts and stops the API's lanes."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope.get("method") in _ANSWERED_APART:
            await send_reply(send, _ANSWERED_APART[scope["method"]])
            return
        if scope.get("method") not in _CALLS:
            await send_reply(send, _NOT_ALLOWED)
            return
        try:
            body = await read_body(scope, receive, bytes_max=BODY_BYTES_MAX)
        except BodyTooLargeError:
            await send_reply(send, TOO_LARGE)
            return
        except ClientDisconnectedError:
            return
        client = scope.get("client")
        call = handler.read_call(Head.of(scope["headers"]), scope["query_string"], body, client[0] if client else None)
        replied: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def done(reply: Reply) -> None:
            if not replied.done():  # else the client has gone
                replied.set_result(reply)

        handler.respond(self._api, call, done)
        await send_reply(send, await replied)

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
        await send_reply(send, READ_ONLY)
        return
    document = openapi_document.encoded()
    takes_gzip = any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
    await send_reply(
        send, Reply(200, document.gzipped, GZIPPED) if takes_gzip else Reply(200, document.plain, JSON_ONLY)
    )


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a reply as ASGI messages."""
    length = [(b"content-length", b"%d" % len(reply.body))] if reply.body else []
    await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, *SAFE, *length]})
    await send({"type": "http.response.body", "body": reply.body})
