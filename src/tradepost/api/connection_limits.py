"""Limits of what one connection, one address and all connections together may take of a server process.

uvicorn has no such limits, and a desk needs no proxy in front. So `LimitedProtocol` refuses a head or a body that is
too large or comes too slowly, and closes connections that are idle or do not read their replies. `Connections` limits
their number, and the memory that their bodies and replies take. `docs/security.md` lists the limits for operators.
"""

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tradepost.api.client_addresses import ForwardedFor, without_mapping
from tradepost.api.request_bodies import BODY_BYTES_MAX, THROWN_AWAY_BYTES_MAX
from tradepost.engine.exceptions import TradepostError

HEAD_BYTES_MAX = 64 * 1024
HEAD_LINES_MAX = 100
HEAD_SECONDS_MAX = 10  # for a first head from the connection on, for a later one from its first byte on
SHORT_LENGTH_DIGITS = len(str(BODY_BYTES_MAX)) - 1  # of an announced length that can't be too large
BODY_SECONDS_MIN = 20  # that every body may take, however small; a larger one has a second more for each
BYTES_A_SECOND_MIN = 8 * 1024  # of bodies and replies
SMALL_BODY_BYTES_MAX = 4 * 1024  # that are not counted, if they come at once
BODIES_BYTES_MAX = 64 * 1024 * 1024  # of all unfinished requests of a process
REPLY_SECONDS_MIN = 20  # that every reply may take to be read; a larger one has more, at the same least rate
REPLIES_BYTES_MAX = 64 * 1024 * 1024  # of all replies that a process has made and clients have not read
REPLY_BYTES_BEFORE_WAITING = 1024 * 1024  # of one reply; a thread that makes a longer one waits for its client
LINGER_SECONDS_MAX = 5  # in which a refused client may read the refusal
CONNECTIONS_MAX = 10_000
CONNECTIONS_AN_ADDRESS_MAX = 500
EVICTED_SHARE = 20  # one in so many connections is closed if there are too many
SWEEP_SECONDS = 1
WARN_SECONDS_MIN = 60
IPV6_NETWORK_BITS = 64  # one customer of a provider has as many addresses

REFUSALS = {
    400: "Invalid HTTP request received.",  # uvicorn's words
    408: "Request too slow",
    413: "Request body too large",
    421: "Ask for this page on a connection of its own",
    431: "Request header fields too large",
    503: "Too many connections, or too many large requests at once; try again later",
}

logger = logging.getLogger(__name__)


class Part(Enum):
    """The part of a request that the last byte read belongs to."""

    NONE = 0
    HEAD = 1
    BODY = 2


class Connections:
    """The connections of one server process. Closes those that break a limit of time, once a second.

    `body_bytes_max` returns the largest body in bytes that a path may get, if that is more than `BODY_BYTES_MAX`.
    """

    def __init__(
        self, *, body_bytes_max: Callable[[str], int] = lambda _: BODY_BYTES_MAX, at_once_max: int = CONNECTIONS_MAX
    ) -> None:
        self._body_bytes_max = body_bytes_max
        self._at_once_max = at_once_max
        self._all: set[LimitedProtocol] = set()
        self._by_client: Counter[str] = Counter()
        self._with_body: dict[LimitedProtocol, int] = {}  # bytes in memory, those that began first come first
        self._body_bytes = 0
        self._sweep_handle: asyncio.TimerHandle | None = None
        self._warned_at = float("-inf")

    def body_bytes_max(self, target: bytes) -> int:
        """Return the largest body in bytes that the path of this request target may get."""
        return self._body_bytes_max(target.partition(b"?")[0].decode("latin-1"))

    def add(self, connection: "LimitedProtocol") -> bool:
        """Count a new connection. Return False if its address has too many, or if all that there may be are at work."""
        client = connection.counted_address
        if client and self._by_client[client] >= CONNECTIONS_AN_ADDRESS_MAX:
            self._warn(connection, f"{client} has {CONNECTIONS_AN_ADDRESS_MAX} connections, so it gets no more. If a "
                       "proxy of yours is there, name it in TRADEPOST_PROXIES.")  # fmt: skip
            return False
        if len(self._all) >= self._at_once_max and not self._evict():
            return False
        self._all.add(connection)
        if client:
            self._by_client[client] += 1
        if self._sweep_handle is None:
            self._sweep_handle = connection.loop.call_later(SWEEP_SECONDS, self._sweep, connection.loop)
        return True

    def remove(self, connection: "LimitedProtocol") -> None:
        """Stop to count a connection that is closed."""
        if connection not in self._all:
            return
        self._all.discard(connection)
        self.hold_body(connection, 0)
        client = connection.counted_address
        if client:
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]

    def hold_body(self, connection: "LimitedProtocol", size: int) -> None:
        """Note how many bytes of its body a connection holds in memory. If all hold too many, refuse the oldest."""
        held = self._with_body.get(connection, 0)
        self._body_bytes += size - held
        if not size:
            self._with_body.pop(connection, None)
            return
        self._with_body[connection] = size
        if self._body_bytes > BODIES_BYTES_MAX:
            oldest = next((each for each in self._with_body if each.part is Part.BODY), connection)
            oldest.refuse(503)

    def _evict(self) -> bool:
        """Close one in `EVICTED_SHARE` connections: those that owe a request longest. Return False if none owes one."""
        waiting = [each for each in self._all if each.waiting_since is not None]
        waiting.sort(key=lambda each: each.waiting_since or 0)
        evicted = waiting[: max(1, len(self._all) // EVICTED_SHARE)]
        for each in evicted:
            self.remove(each)
            each.transport.abort()
        if evicted:
            self._warn(evicted[0], f"There are {self._at_once_max} connections; the longest idle ones are closed.")
        return bool(evicted)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        unread: list[tuple[float, int, LimitedProtocol]] = []
        for each in tuple(self._all):
            size = each.check(now)
            if size:
                unread.append((each.unread_since or now, size, each))
        self._abort_unread(unread)
        self._sweep_handle = loop.call_later(SWEEP_SECONDS, self._sweep, loop) if self._all else None

    def _abort_unread(self, unread: "list[tuple[float, int, LimitedProtocol]]") -> None:
        """If too many bytes of replies wait for their clients, abort the connections that are slowest to read."""
        over = sum(size for _, size, _ in unread) - REPLIES_BYTES_MAX
        for _, size, connection in sorted(unread, key=lambda each: each[0]):
            if over <= 0:
                return
            connection.transport.abort()
            over -= size

    def _warn(self, connection: "LimitedProtocol", text: str) -> None:
        now = connection.loop.time()
        if now - self._warned_at > WARN_SECONDS_MIN:
            self._warned_at = now
            logger.warning(text)


class RefusedError(TradepostError):
    """A limit of size refuses the request. The parser stops, and the client gets this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, with limits.

    A refused request gets its reply at once. What the client still sends is read and thrown away for a moment: if the
    server closed the connection earlier, the client would see a broken connection in place of the reply.
    """

    def __init__(self, *, connections: Connections, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.part = Part.NONE
        # Since when the client owes a request: since the connection, the last reply, or the first byte of a head.
        self.waiting_since: float | None = self.loop.time()
        self.unread_since: float | None = None  # since when a reply waits for the client to read it
        self.counted_address: str | None = None  # whose connections are counted; None for a trusted proxy
        self._all = connections
        self._wait_seconds_max: float = HEAD_SECONDS_MAX  # from `waiting_since` on
        self._head_since: float | None = None
        self._began_head = False  # whether a head began with the bytes read last
        self._read_bytes = 0  # with which the head that is complete ended
        self._head_bytes_read = 0  # in the middle of a head
        self.announced = b""  # the length of the body
        self.is_chunked = False
        self._body_since: float | None = None
        self._body_bytes = 0
        self._holds_body = False
        self._unread_bytes = 0
        self._refused_at: float | None = None
        self._ends_with_reply = False  # to the requests before the refused one
        self._thrown_away_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's signature
        """Start the connection, unless there are too many."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=REPLY_BYTES_BEFORE_WAITING)
        host = without_mapping(self.client[0]) if self.client else ""
        if self.client:
            self.client = host, self.client[1]
        is_proxy = isinstance(self.app, ForwardedFor) and host in self.app.trusted_hosts
        self.counted_address = None if is_proxy or not host else _counted(host)
        if not self._all.add(self):
            self.refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._all.remove(self)

    def data_received(self, data: bytes) -> None:
        """Parse the bytes. Refuse the request if they are no HTTP, or if it passes a limit of size."""
        if self._refused_at is not None:
            self._throw_away(len(data))
            return
        self._began_head = False
        self._read_bytes = len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is offered, so the request is answered as it is
        except httptools.HttpParserError as error:
            reason = error.__context__
            self.refuse(reason.status if isinstance(reason, RefusedError) else 400)
            return
        if self.part is Part.HEAD:
            self._go_on_with_head(0 if self._began_head else len(data))
        elif self.part is Part.BODY:
            if self._body_since is None:
                self._body_since = self.loop.time()
            self._hold_body()

    def on_message_begin(self) -> None:
        self.part = Part.HEAD
        self._head_since = self._body_since = None
        self._began_head = True
        self._head_bytes_read = self._body_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head or its announced body is too large, or it does not name its host."""
        hosts, self.announced, self.is_chunked = 0, b"", False
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                self.announced = value
            elif name == b"transfer-encoding":
                self.is_chunked = True
        came_at_once = self._head_since is None and self._read_bytes <= HEAD_BYTES_MAX
        if len(self.headers) > HEAD_LINES_MAX or not (came_at_once or self._head_is_short()):
            raise RefusedError(431)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise RefusedError(400)  # RFC 9112: a request names its one host
        has_long_length = len(self.announced) > SHORT_LENGTH_DIGITS and self.announced.isdigit()
        if has_long_length and self._is_too_large(int(self.announced)):
            raise RefusedError(413)
        self.begin_request()
        self.part = Part.BODY

    def begin_request(self) -> None:
        """Begin the request whose head is complete, by uvicorn's ASGI way."""
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._is_too_large(self._body_bytes):
            raise RefusedError(413)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.part = Part.NONE
        if self._body_bytes > SMALL_BODY_BYTES_MAX:
            self._hold_body()
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_since, self._unread_bytes = self.loop.time(), REPLY_BYTES_BEFORE_WAITING

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unread_since = None  # the client has read most of what was waiting

    def on_response_complete(self) -> None:
        """Go on to the next request as uvicorn does. If none comes, `Connections` closes the connection."""
        self.server_state.total_requests += 1
        if self._holds_body:
            self._holds_body = False
            self._all.hold_body(self, 0)
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self.waiting_since = self.loop.time()
        self._wait_seconds_max = HEAD_SECONDS_MAX if self.part is Part.HEAD else self.timeout_keep_alive

    def refuse(self, status: int) -> None:
        """Reply with this status and close the connection. Requests that came before get their replies first."""
        if self._refused_at is not None or self.transport.is_closing():
            return
        self._refused_at = self.loop.time()
        self._all.hold_body(self, 0)
        if self.is_busy:
            if self.part is not Part.BODY:  # what is refused is not the request that is being answered
                self.cycle.keep_alive = False
                self._ends_with_reply = True
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.pipeline or getattr(self.cycle, "response_started", False):
                self.transport.close()
                return
        text = f"{REFUSALS[status]}\n".encode()
        self.transport.write(
            b"%scontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (STATUS_LINE[status], len(text), text)
        )
        self.transport.write_eof()
        self.flow.resume_reading()

    @property
    def is_refused(self) -> bool:
        """Whether the connection gets no more replies."""
        return self._refused_at is not None

    @property
    def is_busy(self) -> bool:
        """Whether a request has begun and has no complete reply."""
        return self.cycle is not None and not self.cycle.response_complete

    def check(self, now: float) -> int:
        """Close the connection if it breaks a limit of time. Return how many bytes wait for the client to read them."""
        if not self._reads_on(now):
            self.transport.abort()
        elif self._refused_at is not None:
            if now - self._refused_at > LINGER_SECONDS_MAX and not self._ends_with_reply:
                self.transport.abort()
        elif self._body_since is not None and self.part is Part.BODY:
            if not self.flow.read_paused and now - self._body_since > _seconds(BODY_SECONDS_MIN, self._body_bytes):
                self.refuse(408)
        elif self.waiting_since is None or self._unread_bytes or now - self.waiting_since <= self._wait_seconds_max:
            pass
        elif self.part is Part.HEAD:
            self.refuse(408)
        else:
            self.transport.close()
        return self._unread_bytes

    def _unset_keepalive_if_required(self) -> None:
        """Note that the client owes nothing. Unlike uvicorn, use no timer: one a request is slow to make and cancel."""
        self.waiting_since = None

    def _go_on_with_head(self, size: int) -> None:
        """Note that the bytes read end in a head; these many of them are from its middle."""
        self._head_bytes_read += size
        if self._head_bytes_read > HEAD_BYTES_MAX:
            self.refuse(431)
        if self._head_since is None:
            self._head_since = self.loop.time()
        if not self.is_busy:
            self.waiting_since, self._wait_seconds_max = self._head_since, HEAD_SECONDS_MAX

    def _head_is_short(self) -> bool:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) <= HEAD_BYTES_MAX

    def _is_too_large(self, body_bytes: int) -> bool:
        return body_bytes > BODY_BYTES_MAX and body_bytes > self._all.body_bytes_max(self.url)

    def _hold_body(self) -> None:
        self._holds_body = True
        self._all.hold_body(self, self._body_bytes)

    def _reads_on(self, now: float) -> bool:
        """Return whether the client reads its replies fast enough, if any wait for it."""
        size = self.transport.get_write_buffer_size()
        if not size:
            self.unread_since, self._unread_bytes = None, 0
            return True
        if self.unread_since is None:
            self.unread_since, self._unread_bytes = now, size
        return now - self.unread_since <= _seconds(REPLY_SECONDS_MIN, self._unread_bytes)

    def _throw_away(self, size: int) -> None:
        self._thrown_away_bytes += size
        if self._thrown_away_bytes > THROWN_AWAY_BYTES_MAX:
            self.transport.abort()


def _seconds(seconds_min: int, size: int) -> float:
    """Return how long so many bytes may take."""
    return seconds_min + size / BYTES_A_SECOND_MIN


def _counted(host: str) -> str:
    """Return the address itself; for IPv6 its network, since one customer of a provider has as many addresses."""
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host.partition("%")[0])
    return str(ipaddress.ip_network((int(address), IPV6_NETWORK_BITS), strict=False))
