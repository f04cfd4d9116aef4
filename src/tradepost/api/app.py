"""The ASGI shell around API v2: bytes in, bytes out, and the few answers that are not JSON (protocol §1)."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tradepost.api import form, openapi
from tradepost.api.coalesce import Unavailable
from tradepost.api.limits import Allowance
from tradepost.api.v2 import Answer, Api, Call
from tradepost.engine import keys

BODY_BYTES_MAX = 1024 * 1024
THROWN_AWAY_BYTES_MAX = 16 * BODY_BYTES_MAX

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
type Headers = list[tuple[bytes, bytes]]

_JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")
_TEXT: tuple[bytes, bytes] = (b"content-type", b"text/plain")


class App:
    """`/api/v2` as an ASGI application, its lifespan included."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        headers = {name: value for name, value in scope["headers"] if name in _WANTED}
        body = await _body(headers, receive)
        if body is None:
            await _respond(send, 413, b"Request body too large\n", [_TEXT, (b"connection", b"close")])
            return
        call = _call(scope, headers, body)
        allowance = self._api.admit(call.key)
        if allowance and allowance.retry_in_seconds:
            retry_after = (b"retry-after", b"%d" % allowance.retry_in_seconds)
            await _respond(send, 429, b"Too many requests\n", [_TEXT, retry_after, *_limit_headers(allowance)])
            return
        try:
            answer = await self._api.answer(call)
        except Unavailable:
            await _respond(send, 503, b"Temporarily unavailable\n", [_TEXT, (b"retry-after", b"1")])
            return
        await _respond(send, 200, answer.body, _headers(answer) + _limit_headers(allowance))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._api.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._api.stop()
        await send({"type": "lifespan.shutdown.complete"})


async def describe(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - an ASGI application
    """Serve the API's OpenAPI document; no key is needed."""
    if scope["method"] not in {"GET", "HEAD"}:
        await _respond(send, 405, b"Method not allowed\n", [_TEXT, (b"allow", b"GET, HEAD")])
        return
    document = openapi.encoded()
    takes_gzip = any(name == b"accept-encoding" and b"gzip" in value for name, value in scope["headers"])
    answer = Answer(document.gzipped, gzipped=True) if takes_gzip else Answer(document.plain)
    await _respond(send, 200, answer.body, _headers(answer))


_WANTED = frozenset({b"content-type", b"content-length", b"authorization", b"accept-encoding", b"idempotency-key"})


def _call(scope: Scope, headers: dict[bytes, bytes], body: bytes) -> Call:
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    client = scope.get("client")
    parameters = form.read(scope["query_string"], content_type, body)
    key = parameters.pop("key", None) or _bearer(headers.get(b"authorization", b""))
    return Call(
        keys.digest(key),  # a missing key has a digest that no key has
        parameters,
        client[0] if client else None,
        b"gzip" in headers.get(b"accept-encoding", b""),
        headers.get(b"idempotency-key", b"").decode("latin-1").strip() or None,
    )


def _bearer(header: bytes) -> str:
    scheme, _, key = header.decode("latin-1").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
    """Read the body whole; None if it is larger than anything sensible.

    What is too large is read on and thrown away, up to a point: a client that is cut off while it sends sees a broken
    connection and no answer.
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


def _headers(answer: Answer) -> Headers:
    if answer.gzipped:
        return [_JSON, (b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
    return [_JSON]


def _limit_headers(allowance: Allowance | None) -> Headers:
    """Tell what is left. The reset is a time of day, in seconds since 1970, as clients of this header expect."""
    if allowance is None:
        return []
    return [
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % math.ceil(time.time() + allowance.whole_in_seconds)),
    ]


async def _respond(send: Send, status: int, body: bytes, headers: Headers) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
