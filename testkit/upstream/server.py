"""A scriptable upstream panel on a real socket: `Upstream` in tests, or `python -m testkit.upstream.server`.

The panel speaks API v2, remembers the orders it accepted, and fails as scripted. One thread with an event loop serves
all clients.
"""

import argparse
import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httptools
import msgspec

from testkit.upstream.dialects import Dialect, put
from testkit.upstream.faults import Fault, Faults
from testkit.upstream.panel import Panel

PAGE = b'<!DOCTYPE html><html><head><title>One moment</title></head><body>{}<script>{"a":1}</script></body></html>'
NOTICE = b"<br />\n<b>Notice</b>:  Undefined index: runs in <b>/srv/panel/api.php</b> on line <b>7</b><br />\n"
WRONG_ID_OFFSET = 1_000_000
SLOW_BYTES = 4


class Seen(msgspec.Struct, frozen=True):
    """A request that the panel received, and the fault that it met."""

    method: str
    action: str
    parameters: dict[str, str]
    headers: dict[str, str]
    fault: Fault | None


class Reply(msgspec.Struct, frozen=True):
    """An HTTP response."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    def head(self) -> bytes:
        """Return the status line and the headers as bytes."""
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        return (
            f"HTTP/1.1 {self.status} -\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n{more}\r\n"
        ).encode()


class Upstream:
    """A running server for `panel`: `faults` decides which requests fail, `seen` lists the requests so far."""

    def __init__(
        self,
        panel: Panel | None = None,
        faults: Faults | None = None,
        *,
        dialect: Dialect | None = None,
        delay_seconds: float = 0.2,
        retry_after: str = "0",
        port: int = 0,
    ) -> None:
        self.panel = panel or Panel()
        self.faults = faults or Faults()
        self.dialect = dialect or Dialect()
        self.delay_seconds = delay_seconds
        self.retry_after = retry_after
        self.seen: list[Seen] = []
        self.canned: list[Reply] = []  # replies to the next requests, which the panel does not process
        self.replies: dict[str, Reply] = {}  # replies to every request for an action, which the panel does not process
        self.url = ""
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="upstream", daemon=True)
        self.connections: set[asyncio.Transport] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/api/v2"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()
        self._loop.close()

    def asked(self, action: str) -> list[Seen]:
        """Return the requests for an action so far."""
        return [seen for seen in self.seen if seen.action == action]

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self._port, backlog=1024)

    def _stop(self) -> None:
        self._server.close()
        for transport in list(self.connections):
            transport.abort()
        self._loop.call_soon(self._loop.stop)

    def answer(self, request: "_Request", transport: asyncio.Transport) -> None:
        """Answer one request, or apply the fault that is due."""
        action = request.parameters.get("action", "")
        if urlsplit(request.target).path == "/records":
            _send(transport, Reply(_encode([order.parameters for order in self.panel.accepted])))
            return
        fault = None if self.canned else self.faults.next(action)
        self.seen.append(Seen(request.method, action, request.parameters, request.headers, fault))
        if self.canned:
            _send(transport, self.canned.pop(0))
            return
        if action in self.replies:
            _send(transport, self.replies[action])
            return
        if fault is Fault.PRICE_CHANGE:
            self.panel.change_rates()
        value = None
        if fault is None or fault.accepts:
            value = put(self.panel.answer(request.parameters, fault), action, self.dialect)
        self._reply(fault, value, transport)

    def _reply(self, fault: Fault | None, value: Any, transport: asyncio.Transport) -> None:
        body = _encode(value)
        reply = Reply(body, content_type=self.dialect.content_type)
        if fault in {Fault.RESET_BEFORE, Fault.RESET_AFTER}:
            _reset(transport)
        elif fault is Fault.RESET_MIDWAY:
            transport.write(reply.head() + body[: len(body) // 2])
            self._loop.call_later(0.01, _reset, transport)
        elif fault is Fault.DELAY:
            self._loop.call_later(self.delay_seconds, _send, transport, reply)
        elif fault is Fault.SLOW_BODY:
            transport.write(reply.head())
            self._dribble(transport, body)
        else:
            _send(transport, self._altered(fault, value, reply))

    def _altered(self, fault: Fault | None, value: Any, reply: Reply) -> Reply:
        alter: dict[Fault, Callable[[], Reply]] = {
            Fault.ERROR_BEFORE: lambda: Reply(PAGE, 502, "text/html"),
            Fault.ERROR_AFTER: lambda: Reply(b'{"error":"Server Error"}', 500),
            Fault.HTML_BEFORE: lambda: Reply(PAGE, 200, "text/html"),
            Fault.HTML_AFTER: lambda: Reply(PAGE, 200, "text/html"),
            Fault.EMPTY_BEFORE: lambda: Reply(b""),
            Fault.EMPTY_AFTER: lambda: Reply(b""),
            Fault.TRUNCATED: lambda: Reply(reply.body[:-1]),
            Fault.BOM: lambda: Reply(b"\xef\xbb\xbf" + reply.body),
            Fault.PHP_NOTICE: lambda: Reply(NOTICE + reply.body, 200, "text/html; charset=UTF-8"),
            Fault.TOO_MANY: lambda: Reply(
                b"Too many requests\n", 429, "text/plain", (("Retry-After", self.retry_after),)
            ),
            Fault.REDIRECT: lambda: Reply(b"", 302, "text/html", (("Location", self.url + "/elsewhere"),)),
            Fault.WRONG_ID: lambda: Reply(_encode(_misnamed(value))),
        }
        return alter[fault]() if fault in alter else reply

    def _dribble(self, transport: asyncio.Transport, body: bytes) -> None:
        if not transport.is_closing():
            transport.write(body[:SLOW_BYTES])
        if len(body) > SLOW_BYTES:
            self._loop.call_later(0.005, self._dribble, transport, body[SLOW_BYTES:])


class _Request(msgspec.Struct):
    method: str = ""
    target: str = ""
    headers: dict[str, str] = {}
    body: bytes = b""

    @property
    def parameters(self) -> dict[str, str]:
        query = urlsplit(self.target).query
        return dict(parse_qsl(f"{query}&{self.body.decode()}", keep_blank_values=True))


class _Connection(asyncio.Protocol):
    """One client's connection; httptools calls the `on_` methods."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._parser = httptools.HttpRequestParser(self)
        self._request = _Request()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._upstream.connections.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._upstream.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._request = _Request()

    def on_url(self, target: bytes) -> None:
        self._request.target += target.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._request.body += body

    def on_message_complete(self) -> None:
        self._request.method = self._parser.get_method().decode()
        self._upstream.answer(self._request, self._transport)


_encode = msgspec.json.encode


def _send(transport: asyncio.Transport, reply: Reply) -> None:
    if not transport.is_closing():
        transport.write(reply.head() + reply.body)


def _reset(transport: asyncio.Transport) -> None:
    """Close a connection so that the client gets a reset."""
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def _misnamed(value: Any) -> Any:
    """Return the answer with the ids of other orders."""
    if isinstance(value, list):
        return [_misnamed(item) for item in value]
    if not isinstance(value, dict) or "error" in value:
        return value
    ids = {name: id_ for name, id_ in value.items() if name in {"order", "order_id", "id", "refill"}}
    if ids:
        return {
            **value,
            **{name: int(id_) + WRONG_ID_OFFSET for name, id_ in ids.items() if not isinstance(id_, dict)},
        }
    return {str(int(name) + WRONG_ID_OFFSET) if name.isdigit() else name: item for name, item in value.items()}


def main() -> None:
    """Run a panel until it is stopped. The first line printed contains its URL and its key."""
    parser = argparse.ArgumentParser(description="A scriptable upstream panel.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that go wrong, 0 to 1")
    parser.add_argument("--idempotency", action="store_true", help="take idempotency keys")
    parser.add_argument("--advance-seconds", type=float, default=1.0, help="how often orders move on")
    options = parser.parse_args()
    panel = Panel(takes_idempotency_keys=options.idempotency, seed=options.seed)
    with Upstream(panel, Faults.of_every_kind(options.faults, seed=options.seed), port=options.port) as upstream:
        print(f"The upstream panel is ready: {upstream.url} key: {panel.key}", flush=True)  # noqa: T201
        while True:
            time.sleep(options.advance_seconds)
            panel.advance_all()


if __name__ == "__main__":
    main()
