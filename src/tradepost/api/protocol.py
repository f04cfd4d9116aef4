"""The way in for nearly every request of the API: uvicorn's HTTP protocol, which answers them in place.

A POST to `/api/v2` whose body fits one buffer is answered from where its last byte was read, without a task, a scope
and messages; that more than halves what HTTP costs. Everything else goes on to ASGI as uvicorn does it: other paths
and methods, a query, HTTP/1.0, chunked or large bodies, `Expect`, upgrades. Both ways read requests and make replies by
`handler`, so they can't differ.

A request of which the parser has read the same head before is not even parsed (`head_cache`).

To uvicorn such a request is one more `RequestResponseCycle`: pipelining, keep-alive, shutdown and lost connections are
its own. What it needs of one is what `_InPlace` has.
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

# Both are served: a redirect would turn a POST into a GET and drop its body.
PATHS = frozenset({"/api/v2", "/api/v2/"})

type PassOn = Callable[[int, bytes], bool]

_API = b"/api/v2"
_FIRST_BYTES = 32
_TARGETS = frozenset(path.encode() for path in PATHS)
_ONE_WRITE_BYTES_MAX = 16 * 1024  # a larger body is not copied behind its head


class Protocol(HttpToolsProtocol):
    """A connection.

    `pass_on` takes over connections on which a page is asked for first: it gets the file number and what was read, and
    tells whether it has. `said` is what was read of a connection that was passed on to here. `heads` is the process's
    cache of heads.
    """

    def __init__(
        self, *, api: Api, heads: HeadCache, pass_on: PassOn | None = None, said: bytes = b"", **uvicorns: Any
    ) -> None:
        super().__init__(**uvicorns)
        self.api = api
        self._heads = heads
        self._in_message = False  # what was read ends within a request
        self._whole = b""  # what was read last, if it begins with a request
        self._pass_on = pass_on
        self._said = said
        self._plain = not (self.config.access_log or self.root_path or self.limit_concurrency)  # else uvicorn's job
        self._held: tuple[_InPlace, Reply] | None = None
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin, with what was read elsewhere."""
        super().connection_made(transport)
        if self._said:
            self.data_received(self._said)

    def data_received(self, data: bytes) -> None:
        """Read on, unless these are the first bytes and the connection is passed on.

        What is a whole request with a head that is known does not go through the parser, which is between two requests
        before and after.
        """
        if self._pass_on:
            pass_on, self._pass_on = self._pass_on, None
            if _asks_for_page(data) and pass_on(self.transport.get_extra_info("socket").fileno(), data):
                self.transport.abort()  # closes this end; whoever has it now has an end of its own
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
        """Begin with a request."""
        self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Take a request on, or leave it to uvicorn."""
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
        """Answer a request that is there whole, if those before it are answered."""
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
        """Send the reply that was held back while the client did not read."""
        super().resume_writing()
        if self._held:
            (request, reply), self._held = self._held, None
            request.done(reply)

    def on_response_complete(self) -> None:
        """Go on to the next request, as uvicorn does, but with one keep-alive timer for many: see below."""
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
        """Forget the connection, its timer too: it would keep all of this until it rings."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task:
            self.timeout_keep_alive_task.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if nothing has come for so long; else look again when that could be."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None or self.transport.is_closing():
            return  # something has come, and its answer will set the timer
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._ring_in(left)
        else:
            self.transport.close()

    def address(self, head: Head) -> str | None:
        """Return where a request came from: the client, or whom a proxy that we trust names (as ASGI is told)."""
        host = self.client[0] if self.client else None
        if not head.forwarded_for or not isinstance(self.app, ProxyHeadersMiddleware):
            return host
        trusted = self.app.trusted_hosts
        return (trusted.get_trusted_client_address(head.forwarded_for)[0] if host in trusted else None) or host

    def reply(self, request: "_InPlace", reply: Reply) -> None:
        """Send the reply to the request whose turn it is; wait with it while the client does not read."""
        if self.flow.write_paused:
            self._held = request, reply
            return
        lines = [STATUS_LINE[reply.status]]
        for name, value in self.server_state.default_headers:
            lines += name, b": ", value, b"\r\n"
        for name, value in reply.headers:
            lines += name, b": ", value, b"\r\n"
        lines.append(b"content-length: %d\r\n\r\n" % len(reply.body))
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
        """Take notice that something has come. The timer runs on: making and dropping one a request has its price."""
        self._idle_since = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin with a request that had to wait for those before it."""
        request: object = cycle
        if isinstance(request, _InPlace):
            self.loop.call_soon(request.turn)  # not now: a thousand small requests in one segment would nest as deep
        else:
            super()._start_asgi_task(cycle, app)

    def _is_at_rest(self) -> bool:
        """Tell whether the parser is between two requests, with all before answered in place."""
        before: object = self.cycle
        if self._in_message:
            return False
        return before is None or (isinstance(before, _InPlace) and before.response_complete)

    def _begin_known(self, head: Head, body: bytes) -> None:
        """Answer a request without having it parsed."""
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
    """Tell whether the first bytes of a connection ask for anything but the API, which what is too short may be."""
    target = data[:_FIRST_BYTES].partition(b" ")[2]
    return not (target.startswith(_API) or _API.startswith(target))


class _InPlace:
    """A request that is answered in place, in the shape of uvicorn's `RequestResponseCycle`."""

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

    message_event = asyncio.Event()  # uvicorn sets it when there is more of the body; nobody waits for it

    def __init__(self, protocol: Protocol, head: Head, *, keep_alive: bool) -> None:
        self._protocol = protocol
        self.head = head
        self.body = b""
        self.more_body = True
        self.keep_alive = keep_alive
        self.is_next = False  # all before it on its connection are answered
        self.disconnected = False
        self.response_complete = False

    def turn(self) -> None:
        """Take notice that all before it are answered."""
        self.is_next = True
        if not self.more_body:
            self.answer()

    def answer(self) -> None:
        """Have it answered; its body is there."""
        call = handler.read_call(self.head, b"", self.body, self._protocol.address(self.head))
        handler.respond(self._protocol.api, call, self.done)

    def done(self, reply: Reply) -> None:
        """Send the reply, if anyone is there to read it."""
        if not self.disconnected and not self._protocol.transport.is_closing():
            self._protocol.reply(self, reply)
