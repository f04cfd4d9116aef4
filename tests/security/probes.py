"""Attacks on a desk, directly or through a proxy. Each probe asserts what must hold, whoever stands in front."""

import contextlib
import ssl
import time
from typing import NamedTuple

import pytest

from tests.conftest import Customer
from tests.raw_http import Answer, Client, post
from tests.waiting import HANG_SECONDS
from tradepost.api import connection_limits as limits
from tradepost.api.request_bodies import BODY_BYTES_MAX

API, PAGE, IMPORT = "/api/v2", "/account/login/", "/admin/catalog/service/import/"
PAGES = ("/", PAGE, "/services/", "/healthz", "/healthz/live")
SLOW_FORMS = 40  # more than the pages have threads
PART_BYTES = 1024 * 1024
LARGE_BYTES = 120 * 1024 * 1024
UPLOAD_BYTES = 5 * 1024 * 1024 * 1024
ENDLESS_HEADS = {
    "a line": "POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Long: ",
    "a target": "POST {path}?",
    "a name": "POST {path} HTTP/1.1\r\nHost: {host}\r\n",
    "a first name": "POST {path} HTTP/1.1\r\n",
}
TOO_LONG_HEADS = {
    "bytes": ["X-Long: " + "x" * limits.HEAD_BYTES_MAX],
    "lines": [f"X-{number}: y" for number in range(limits.HEAD_LINES_MAX + 1)],
}
REFUSED = {400, 413, 414, 431}
TOO_SLOW = {400, 408}  # Caddy answers 400 to half a head
DROP_SECONDS = 0.5
NEXT = "GET /healthz/live HTTP/1.1\r\nHost: {host}\r\n\r\n"  # what a smuggler hides behind a request
# A body whose end two parsers may see at different places.
SMUGGLED = {
    "a length and chunks": "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "a list of lengths": "Content-Length: 0, 44\r\n\r\n",
    "a length with a sign": "Content-Length: +0\r\n\r\n",
    "a length in hexadecimals": "Content-Length: 0x0\r\n\r\n",
    "a space before the colon": "Content-Length : 44\r\n\r\n",
    "an unknown coding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked, then identity": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a folded line": "X-Folded: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    "a bare CR": "X-Bare: a\rContent-Length: 44\r\n\r\n",
    "a NUL": "X-Nul: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a chunk of no size": "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n0\r\n\r\n",
    "a negative chunk": "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n",
    "a chunk longer than its size": "Transfer-Encoding: chunked\r\n\r\n3\r\na=bc\r\n0\r\n\r\n",
    "a negative length": "Content-Length: -3\r\n\r\na=b",
    "a length beyond 64 bits": "Content-Length: 99999999999999999999999\r\n\r\na=b",
    "a length on two lines": "Content-Length:\r\n 3\r\n\r\na=b",
}


class Target(NamedTuple):
    """Where to attack: an address on this machine, and the name to ask for there; by https, if there is a context.

    Connections come from the address `source`.
    """

    url: str
    host: str = "localhost"
    tls: ssl.SSLContext | None = None
    source: str = ""

    def connect(self) -> Client:
        return Client(self.url, source=self.source, tls=self.tls, host=self.host)

    def head(self, method: str, path: str, *headers: str) -> bytes:
        return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {self.host}", *headers, "", ""]).encode()

    def ask(self, path: str, *headers: str, method: str = "GET") -> Answer:
        """Return the answer to a request without a body, on a connection of its own."""
        with self.connect() as client:
            client.send(self.head(method, path, *headers))
            return client.answer(method)

    def call(self, key: str, action: str = "balance", *headers: str) -> Answer:
        """Return the API's answer, on a connection of its own."""
        with self.connect() as client:
            client.send(post(key, action, *headers, host=self.host))
            return client.answer()

    def form(self) -> str:
        """Return the headers of a form that the pages read: Django reads none without its cookie."""
        [(name, token)] = [each for each in self.ask(PAGE).cookies.items() if each[0].endswith("csrftoken")]
        origin = f"\r\nOrigin: https://{self.host}" if self.tls else ""
        return f"Cookie: {name}={token}\r\nX-CSRFToken: {token}\r\nContent-Type: {FORM}{origin}"


FORM = "application/x-www-form-urlencoded"


def last_answer(client: Client) -> Answer | None:
    """Return the answer; None if the connection is closed or broken without one."""
    try:
        return client.answer()
    except (ConnectionError, EOFError, ssl.SSLError):
        return None


def assert_everything_answers(target: Target, alice: Customer) -> None:
    for path in PAGES:
        assert target.ask(path).status == 200
    assert b'"currency":"USD"' in target.call(alice.key).body


def begin_forms_that_do_not_end(target: Target, opened: contextlib.ExitStack, path: str) -> None:
    form = target.form()
    for number in range(SLOW_FORMS):
        length = "Transfer-Encoding: chunked" if number % 2 else "Content-Length: 100000"
        client = opened.enter_context(target.connect())
        client.send(target.head("POST", path, form, length) + (b"8\r\n" if number % 2 else b"") + b"login=xx")


def assert_cut_off(target: Target, begin: bytes, part: bytes) -> None:
    """Send a request that begins so and has this part again and again. It is ended before `LARGE_BYTES`.

    A proxy may have refused it by then, and throw away for some seconds what still comes.
    """
    sent = 0
    with target.connect() as client:
        client.send(begin)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while sent < LARGE_BYTES:
                client.send(part)
                sent += PART_BYTES
        assert sent < LARGE_BYTES or (target.tls and client.answer().status in REFUSED)


def assert_endless_head_is_cut_off(target: Target, path: str, begin: str) -> None:
    assert_cut_off(target, ENDLESS_HEADS[begin].format(path=path, host=target.host).encode(), b"x" * PART_BYTES)


def assert_endless_upload_is_cut_off(target: Target, path: str, *, is_chunked: bool) -> None:
    part = b"x" * PART_BYTES
    chunk = b"%x\r\n%s\r\n" % (len(part), part) if is_chunked else part
    length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {UPLOAD_BYTES}"
    assert_cut_off(target, target.head("POST", path, target.form(), length), chunk)


def assert_announced_upload_is_refused(target: Target, path: str) -> None:
    form = target.form()
    for more in ([], ["Expect: 100-continue"]):
        with target.connect() as client:
            client.send(target.head("POST", path, form, f"Content-Length: {UPLOAD_BYTES}", *more))
            assert client.answer().status == 413


def assert_import_takes_larger_bodies(target: Target, model: str) -> None:
    size = 2 * BODY_BYTES_MAX
    with target.connect() as client:
        path = f"/admin/catalog/{model}/import/"
        client.send(target.head("POST", path, target.form(), f"Content-Length: {size}") + b"x" * size)
        assert client.answer().status == 302  # to the sign-in


def refusal_of_too_long_head(target: Target, path: str, kind: str) -> int:
    """Return the status that a head beyond the limits gets. Nothing may be answered after it."""
    with target.connect() as client:
        client.send(target.head("GET", path, *TOO_LONG_HEADS[kind]))
        status = client.answer("GET").status
        assert target.tls or client.is_over()  # a proxy has read a whole head, and goes on
    return status


def assert_silent_connections_are_closed(target: Target, opened: contextlib.ExitStack, *said: bytes) -> None:
    """Open connections on which nothing follows what is said. All are closed, with an answer or without."""
    silent = [opened.enter_context(target.connect()) for _ in said]
    for client, begin in zip(silent, said, strict=True):
        client.send(begin)
    for client in silent:
        answer = last_answer(client)
        assert answer is None or answer.status in TOO_SLOW


def assert_drops_are_cut_off(target: Target, begin: bytes, drop: bytes) -> None:
    """Send a little, again and again. In time there is an answer, 408, or the connection is closed."""
    with target.connect() as client:
        client.send(begin)
        client.socket.settimeout(DROP_SECONDS)
        end = time.monotonic() + HANG_SECONDS
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while time.monotonic() < end:
                try:
                    assert client.socket.recv(64)[:12] in {b"", *(b"HTTP/1.1 %d" % status for status in TOO_SLOW)}
                except TimeoutError:
                    client.send(drop)
                else:
                    return
            pytest.fail("the connection is not closed")


def answers_to_smuggler(target: Target, kind: str) -> list[int]:
    """Send a request that hides another one. Return the statuses that come back, up to the end of the connection."""
    begin = f"POST {API} HTTP/1.1\r\nHost: {target.host}\r\nContent-Type: {FORM}\r\n"
    statuses = []
    with target.connect() as client:
        client.send((begin + SMUGGLED[kind] + NEXT.format(host=target.host)).encode("latin-1"))
        client.send(target.head("GET", "/healthz/live", "Connection: close"))
        while answer := last_answer(client):
            statuses.append(answer.status)
    return statuses
