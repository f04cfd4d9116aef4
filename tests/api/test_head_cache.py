"""What is known of a head is what the parser would find in it."""

from typing import NamedTuple

import httptools
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from tradepost.api import head_cache
from tradepost.api.head_cache import Head, HeadCache

BODY = b"key=k&action=balance"
LINES = st.sampled_from(
    ["Host: localhost", "X: \n y", "X: y\n", "X: y\r", " folded", "Accept-Encoding: gzip", "Content-Type: text/plain",
     "X-Forwarded-For: 203.0.113.9", "Transfer-Encoding: chunked", ":", "", "\n", "\r"]
)  # fmt: skip
BODIES = st.lists(st.sampled_from([b"\r\n", b"\n", b"a=b", b"POST / HTTP/1.1", b"0"]), max_size=6).map(b"".join)


class Message(NamedTuple):
    """A request as the parser reads it."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class Reading:
    """The parser, and what it has found."""

    def __init__(self, data: bytes) -> None:
        self.messages: list[Message] = []
        self.is_in_message = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""
        httptools.HttpRequestParser(self).feed_data(data)

    def on_message_begin(self) -> None:
        """Begin with a request."""
        self.is_in_message, self._headers, self._body = True, [], b""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Take the request as read."""
        self.is_in_message = False
        self.messages.append(Message(self._headers, self._body))


def read(data: bytes) -> list[Message]:
    """Return the requests that these bytes are, or none if there is something else among them."""
    try:
        reading = Reading(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return []
    return [] if reading.is_in_message else reading.messages


def request(*lines: str, body: bytes = BODY) -> bytes:
    """Return a request with these lines between its first one and the length."""
    head = "\r\n".join(["POST /api/v2 HTTP/1.1", *lines, f"Content-Length: {len(body)}"])
    return f"{head}\r\n\r\n".encode() + body


def knowing(data: bytes) -> HeadCache:
    """Return what is known when the parser has read these bytes."""
    known = HeadCache()
    for message in read(data):
        known.keep(data, Head.of(message.headers), len(message.body))
    return known


def test_a_head_that_was_read_is_known_with_any_body_of_its_length() -> None:
    found = knowing(request("Host: localhost")).find(request("Host: localhost", body=BODY[::-1]))
    assert found == (Head.of([(b"host", b"localhost")]), BODY[::-1])


@pytest.mark.parametrize("other", [request(body=BODY + b"&"), request()[:-1], request() + b"P", request()[1:], b""])
def test_what_is_not_one_whole_request_with_that_head_is_not_known(other: bytes) -> None:
    assert knowing(request()).find(other) is None


@given(lines=st.lists(LINES, max_size=4), body=BODIES, other=BODIES, junk=st.sampled_from([b"", b"\r\n", b"\n"]))
@example(lines=["X: y\n\n"], body=b"\r\n\r\n", other=BODY[:4], junk=b"\r\n\r\n")
def test_what_is_known_is_what_the_parser_finds(lines: list[str], body: bytes, other: bytes, junk: bytes) -> None:
    data = request(*lines, body=body) + junk
    again = data.removesuffix(body + junk) + (other * len(data))[: len(body)]
    found = knowing(data).find(again)
    event(f"known: {bool(found)}")
    if found:
        [message] = read(again)
        assert found == (Head.of(message.headers), message.body)


@pytest.mark.parametrize(
    "header", ["Authorization: Bearer tp_live_x", "Cookie: session=x", "Idempotency-Key: basket-7"]
)
def test_heads_with_secrets_or_names_of_orders_are_not_kept(header: str) -> None:
    assert knowing(request(header)).find(request(header)) is None


def test_long_heads_are_not_kept() -> None:
    header = "X: " + "x" * head_cache.BYTES_MAX
    assert knowing(request(header)).find(request(header)) is None


def test_so_many_heads_are_kept_and_then_it_begins_anew() -> None:
    known = HeadCache()
    sent = [request(f"X: {number}") for number in range(head_cache.HEADS_MAX + 1)]
    for data in sent:
        [message] = read(data)
        known.keep(data, Head.of(message.headers), len(message.body))
    assert known.find(sent[-1])
    assert known.find(sent[0]) is None
