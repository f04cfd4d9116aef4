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
import re
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from tradepost.api import handler, health
from tradepost.api.client_addresses import ForwardedFor
from tradepost.api.connection_limits import LimitedProtocol, Part, RefusedError
from tradepost.api.handler import Reply
from tradepost.api.head_cache import Head, HeadCache
from tradepost.api.v2 import Api

# The API answers at both paths: a redirect would turn a POST into a GET and drop its body.
PATHS = frozenset({"/api/v2", "/api/v2/"})
DESCRIPTION_PATH = "/api/v2/openapi.json"
PASS_ON_AGAIN_SECONDS = 0.02
PASS_ON_SECONDS_MAX = 10

type PassOn = Callable[[int, bytes], bool]

_TARGETS = frozenset(path.encode() for path in PATHS)
# What a server answers itself. All else is a page, for the pages' process.
_OWN_TARGETS = frozenset(path.encode() for path in (*PATHS, DESCRIPTION_PATH, *health.PATHS))
_TARGET_BYTES_MAX = max(map(len, _OWN_TARGETS))
_METHOD_BYTES_MAX = 16
_COMMONEST = b"POST /api/v2 "
_END_OF_PATH = re.compile(rb"[ ?\r\n]")
_LAST_LINES = handler.SAFE_LINES + b"content-length: %d\r\n\r\n"
_ONE_WRITE_BYTES_MAX = 16 * 1024  # a larger body is written without copying it next to its head


class Protocol(LimitedProtocol):
    """One client connection.

    If a request is for a page, `pass_on` is called with the socket's file number and the bytes read so far. It returns
    whether it took the connection over. If another process passed this connection on, `said` holds the bytes that
    process had read. `heads` is the cache of heads, shared by all connections of a process.
    """

    def __init__(
        self, *, api: Api, heads: HeadCache, pass_on: PassOn | None = None, said: bytes = b"", **uvicorns: Any
    ) -> None:
        super().__init__(**uvicorns)
        self.api = api
        self._undecided = b""  # the first bytes of a request: too few to know whether it is for a page
        self._heads = heads
        self._whole = b""  # the bytes read last, if a request starts at their first byte
        self._pass_on = pass_on
        self._said = said
        # Only uvicorn's ASGI way does these three.
        self._plain = not (self.config.access_log or self.root_path or self.limit_concurrency)
        self._held: tuple[_InPlace, Reply] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's signature
        """Start the connection. First process the bytes that another process has read from it."""
        super().connection_made(transport)
        if self._said:
            self.data_received(self._said)

    def data_received(self, data: bytes) -> None:
        """Process the bytes read, unless a request for a page begins with them: then pass the connection on.

        If they are one whole request with a known head, they skip the parser. This is safe because the parser is
        between two requests, both before and after.
        """
        if self._is_at_rest():
            known = self._heads.find(data)
            if known:
                self._begin_known(*known)
                return
            self._whole = data
        else:
            self._whole = b""
        if self._undecided or (self._pass_on and not data.startswith(_COMMONEST)):
            if self._is_passed_on(data):
                return
            data = self._take_undecided(data)
        super().data_received(data)

    def begin_request(self) -> None:
        """Prepare to answer the request in place, or leave it to uvicorn."""
        if self.url not in _TARGETS or not self._fits():
            if self._pass_on and _is_for_page(b"GET %s " % self.url):  # sent in one go with a request for the API
                raise RefusedError(421)
            super().begin_request()
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

    def address(self, head: Head) -> str | None:
        """Return the client's address. If a trusted proxy sent the request, use the address it names, as for ASGI."""
        host = self.client[0] if self.client else None
        if not head.forwarded_for or not isinstance(self.app, ForwardedFor):
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

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start a request that waited for earlier ones on its connection."""
        request: object = cycle
        if isinstance(request, _InPlace):
            # Not now: a thousand small requests in one segment would make a recursion a thousand calls deep.
            self.loop.call_soon(request.turn)
        else:
            super()._start_asgi_task(cycle, app)

    def _is_passed_on(self, data: bytes) -> bool:
        """Return whether these bytes need no parser here: they begin a request for a page, or too few bytes have come.

        A connection may ask for a page after it has used the API.
        """
        if self.part is not Part.NONE or self.is_busy or self.is_refused:
            return False
        is_page = _is_for_page(self._undecided + data)
        if is_page:
            self._pass_page_on(self._take_undecided(data), self.loop.time() + PASS_ON_SECONDS_MAX)
        elif is_page is None:
            self._undecided += data
        return is_page is not False

    def _take_undecided(self, data: bytes) -> bytes:
        """Return the bytes read, with those that were too few to decide about before them."""
        if not self._undecided:
            return data
        undecided, self._undecided = self._undecided, b""
        self._whole = b""
        return undecided + data

    def _pass_page_on(self, data: bytes, tries_until: float) -> None:
        """Pass the connection on to the pages' process. Try again for a moment while too many others wait there."""
        if self.transport.is_closing() or not self._pass_on:
            return
        if self._pass_on(self.transport.get_extra_info("socket").fileno(), data):
            self.transport.abort()  # closes our copy of the socket; the other process has its own
        elif self.loop.time() < tries_until:
            self.flow.pause_reading()
            self.loop.call_later(PASS_ON_AGAIN_SECONDS, self._pass_page_on, data, tries_until)
        else:
            self.refuse(503)

    def _is_at_rest(self) -> bool:
        """Return whether the parser is between requests, and the last one, if any, was answered in place."""
        before: object = self.cycle
        if self.part is not Part.NONE or self.is_refused:
            return False
        return before is None or (isinstance(before, _InPlace) and before.response_complete)

    def _begin_known(self, head: Head, body: bytes) -> None:
        self._unset_keepalive_if_required()
        request = _InPlace(self, head, keep_alive=True)
        self.cycle = cast("RequestResponseCycle", request)
        request.is_next, request.more_body, request.body = True, False, body
        request.answer()

    def _fits(self) -> bool:
        if not self._plain or self.expect_100_continue or self.is_chunked:
            return False
        return (
            self.announced.isdigit()
            and int(self.announced) <= HIGH_WATER_LIMIT
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
        )


def _is_for_page(data: bytes) -> bool | None:
    """Return whether a request's first bytes are for a page; None if they are too few to know.

    Bytes that are no HTTP go to the pages' process, too.
    """
    _method, space, rest = data[: _METHOD_BYTES_MAX + _TARGET_BYTES_MAX + 1].partition(b" ")
    if not space:
        return None if len(data) <= _METHOD_BYTES_MAX and b"\n" not in data else True
    end = _END_OF_PATH.search(rest)
    if end:
        return rest[: end.start()] not in _OWN_TARGETS
    return None if any(target.startswith(rest) for target in _OWN_TARGETS) else True


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
