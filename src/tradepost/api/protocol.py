"""Uvicorn's HTTP protocol, extended to answer nearly every API request in place, without ASGI.

If a POST to `/api/v2` has a body that fits one buffer, this protocol answers it as soon as it has read the last byte:
without an asyncio task, an ASGI scope and ASGI messages. That more than halves the cost of HTTP. All other requests
go through uvicorn's usual ASGI way: other paths and methods, a query string, HTTP/1.0, chunked or large bodies,
`Expect`, upgrades. Both ways use `handler` to read requests and make replies, so their answers can't differ.

If the parser has read the same head before, the request is not parsed at all (`head_cache`).

Uvicorn treats a request that is answered in place as one more `RequestResponseCycle`, and still does pipelining,
keep-alive, shutdown and lost connections itself. `_InPlace` has the attributes that uvicorn uses for this.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from tradepost.api import handler
from tradepost.api.handler import Reply
from tradepost.api.head_cache import Head, HeadCache
from tradepost.api.v2 import Api

# The API answers at both paths: a redirect would turn a POST into a GET and drop its body.
PATHS = frozenset({"/api/v2", "/api/v2/"})

type PassOn = Callable[[int, bytes], bool]

_API = b"/api/v2"
_FIRST_BYTES = 32
_TARGETS = frozenset(path.encode() for path in PATHS)
_LAST_LINES = handler.SAFE_LINES + b"content-length: %d\r\n\r\n"
_ONE_WRITE_BYTES_MAX = 16 * 1024  # a larger body is written without copying it next to its head


class Protocol(HttpToolsProtocol):
    """One client connection.

    If the first request on the connection is for a page, `pass_on` is called with the socket's file number and the
    bytes read so far. It returns whether it took the connection over. If another process passed this connection on,
    `said` holds the bytes that process had read. `heads` is the cache of heads, shared by all connections of a process.
    """

    def __init__(
        self, *, api: Api, heads: HeadCache, pass_on: PassOn | None = None, said: bytes = b"", **uvicorns: Any
    ) -> None:
        super().__init__(**uvicorns)
        self.api = api
        self._heads = heads
        self._in_message = False  # the bytes read so far end in the middle of a request
        self._whole = b""  # the bytes read last, if a request starts at their first byte
        self._pass_on = pass_on
        self._said = said
        # Only uvicorn's ASGI way does these three.
        self._plain = not (self.config.access_log or self.root_path or self.limit_concurrency)
        self._held: tuple[_InPlace, Reply] | None = None
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's signature
        """Start the connection. First process the bytes that another process has read from it."""
        super().connection_made(transport)
        if self._said:
            self.data_received(self._said)

    def data_received(self, data: bytes) -> None:
        """Process the bytes read, unless they are the first ones and the connection is passed on.

        If they are one whole request with a known head, they skip the parser. This is safe because the parser is
        between two requests, both before and after.
        """
        if self._pass_on:
            pass_on, self._pass_on = self._pass_on, None
            if _asks_for_page(data) and pass_on(self.transport.get_extra_info("socket").fileno(), data):
                self.transport.abort()  # closes our copy of the socket; the other process has its own
                return
        if self._is_at_rest():
            known = self._heads.find(data)
            if known:
                self._begin_known(*known)
                return
            self._whole = data
        else:
            self._whole = b""
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Prepare to answer the request in place, or leave it to uvicorn. A request must name its one host."""
        hosts = [name for name, _ in self.headers].count(b"host")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise ValueError("not one Host")  # which the parser turns into 400
        if self.url not in _TARGETS or not self._fits():
            super().on_headers_complete()
            return
        before = self.cycle
        head = Head.of(self.headers)
        request = _InPlace(self, head, keep_alive=self.parser.should_keep_alive())
        self.cycle = cast("RequestResponseCycle", request)
        if before is None or before.response_complete:
            request.is_next = True
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_message_complete(self) -> None:
        """Answer the complete request if all earlier requests on the connection are answered."""
        self._in_message = False
        super().on_message_complete()
        request: object = self.cycle
        if not isinstance(request, _InPlace):
            return
        if self._whole and request.keep_alive:
            self._heads.keep(self._whole, request.head, len(request.body))
        if request.is_next:
            request.answer()

    def resume_writing(self) -> None:
        """Send the reply that waited because the client was not reading."""
        super().resume_writing()
        if self._held:
            (request, reply), self._held = self._held, None
            request.done(reply)

    def on_response_complete(self) -> None:
        """Go on to the next request as uvicorn does, but reuse one keep-alive timer (`timeout_keep_alive_handler`)."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._ring_in(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer too: until it fires, it would keep this object in memory."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task:
            self.timeout_keep_alive_task.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle for the whole keep-alive time; else set the timer for the time left."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None or self.transport.is_closing():
            return  # a request is in progress, and its reply will set the timer
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._ring_in(left)
        else:
            self.transport.close()

    def address(self, head: Head) -> str | None:
        """Return the client's address. If a trusted proxy sent the request, use the address it names, as for ASGI."""
        host = self.client[0] if self.client else None
        if not head.forwarded_for or not isinstance(self.app, ProxyHeadersMiddleware):
            return host
        trusted = self.app.trusted_hosts
        return (trusted.get_trusted_client_address(head.forwarded_for)[0] if host in trusted else None) or host

    def reply(self, request: "_InPlace", reply: Reply) -> None:
        """Send the reply to the current request. If the client is not reading, keep the reply until it reads again."""
        if self.flow.write_paused:
            self._held = request, reply
            return
        lines = [STATUS_LINE[reply.status]]
        for name, value in self.server_state.default_headers:
            lines += name, b": ", value, b"\r\n"
        for name, value in reply.headers:
            lines += name, b": ", value, b"\r\n"
        lines.append(_LAST_LINES % len(reply.body))
        if not request.keep_alive:
            lines.insert(1, b"connection: close\r\n")
        if len(reply.body) <= _ONE_WRITE_BYTES_MAX:
            lines.append(reply.body)
            self.transport.write(b"".join(lines))
        else:
            self.transport.writelines([b"".join(lines), reply.body])
        request.response_complete = True
        if not request.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _ring_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """Note that the connection is not idle.

        Unlike uvicorn, leave the timer running: creating and cancelling a timer for each request is slow.
        """
        self._idle_since = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start a request that waited for earlier ones on its connection."""
        request: object = cycle
        if isinstance(request, _InPlace):
            # Not now: a thousand small requests in one segment would make a recursion a thousand calls deep.
            self.loop.call_soon(request.turn)
        else:
            super()._start_asgi_task(cycle, app)

    def _is_at_rest(self) -> bool:
        """Return whether the parser is between requests, and the last one, if any, was answered in place."""
        before: object = self.cycle
        if self._in_message:
            return False
        return before is None or (isinstance(before, _InPlace) and before.response_complete)

    def _begin_known(self, head: Head, body: bytes) -> None:
        self._unset_keepalive_if_required()
        request = _InPlace(self, head, keep_alive=True)
        self.cycle = cast("RequestResponseCycle", request)
        request.is_next, request.more_body, request.body = True, False, body
        request.answer()

    def _fits(self) -> bool:
        if not self._plain or self.expect_100_continue:
            return False
        length = b""
        for name, value in self.headers:
            if name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                return False
        return (
            length.isdigit()
            and int(length) <= HIGH_WATER_LIMIT
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
        )


def _asks_for_page(data: bytes) -> bool:
    """Return whether a connection's first bytes ask for a page. If too few bytes have come to know, assume the API."""
    target = data[:_FIRST_BYTES].partition(b" ")[2]
    return not (target.startswith(_API) or _API.startswith(target))


class _InPlace:
    """A request that is answered in place. It has the attributes of uvicorn's `RequestResponseCycle`."""

    __slots__ = (
        "_protocol",
        "body",
        "disconnected",
        "head",
        "is_next",
        "keep_alive",
        "more_body",
        "response_complete",
    )

    message_event = asyncio.Event()  # uvicorn sets it when more of the body arrives; nothing waits for it

    def __init__(self, protocol: Protocol, head: Head, *, keep_alive: bool) -> None:
        self._protocol = protocol
        self.head = head
        self.body = b""
        self.more_body = True
        self.keep_alive = keep_alive
        self.is_next = False  # whether all earlier requests on the connection are answered
        self.disconnected = False
        self.response_complete = False

    def turn(self) -> None:
        """Mark this request as the next one. If its body is complete, answer it."""
        self.is_next = True
        if not self.more_body:
            self.answer()

    def answer(self) -> None:
        """Pass the request to the API. The body must be complete."""
        call = handler.read_call(self.head, b"", self.body, self._protocol.address(self.head))
        handler.respond(self._protocol.api, call, self.done)

    def done(self, reply: Reply) -> None:
        """Send the reply, unless the client has gone."""
        if not self.disconnected and not self._protocol.transport.is_closing():
            self._protocol.reply(self, reply)
