"""Where a request ends is beyond doubt, or it is refused: nothing is smuggled past a proxy that reads it otherwise."""

import pytest

from tests.conftest import Customer, Desk
from tests.raw_http import Client, post

TARGETS = ("/api/v2", "/account/login/")
CHUNKS = "3\r\na=b\r\n0\r\n\r\n"

# Headers and bodies that two servers could read as requests of different lengths.
DOUBTFUL: list[tuple[str, str, str]] = [
    ("a length and chunks", "Content-Length: 3\r\nTransfer-Encoding: chunked", CHUNKS),
    ("chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 3", CHUNKS),
    ("two lengths", "Content-Length: 3\r\nContent-Length: 8", "a=b"),
    ("a list of lengths", "Content-Length: 3, 8", "a=b"),
    ("a length with a sign", "Content-Length: +3", "a=b"),
    ("a negative length", "Content-Length: -3", "a=b"),
    ("a length in hexadecimal", "Content-Length: 0x3", "a=b"),
    ("a length beyond 64 bits", "Content-Length: 99999999999999999999999", "a=b"),
    ("an unknown encoding", "Transfer-Encoding: xchunked", CHUNKS),
    ("an encoding after chunks", "Transfer-Encoding: chunked, identity", CHUNKS),
    ("a length on two lines", "Content-Length:\r\n 3", "a=b"),
    ("a blank before the colon", "Content-Length : 3", "a=b"),
    ("NUL in a value", "X-Note: a\0b\r\nContent-Length: 3", "a=b"),
    ("a lone carriage return", "X-Note: a\rContent-Length: 3\r\nContent-Length: 3", "a=b"),
    ("a size of a chunk that is none", "Transfer-Encoding: chunked", "0x3\r\na=b\r\n0\r\n\r\n"),
    ("a chunk longer than its size", "Transfer-Encoding: chunked", "3\r\na=bc\r\n0\r\n\r\n"),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("lines", "body"), [case[1:] for case in DOUBTFUL], ids=[case[0] for case in DOUBTFUL])
def test_a_request_whose_end_is_in_doubt_is_refused_and_nothing_after_it_is_read(
    desk: Desk, alice: Customer, target: str, lines: str, body: str
) -> None:
    with Client(desk.url) as client:
        client.send(f"POST {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n\r\n{body}".encode() + post(alice.key))
        answer = client.answer()
        assert answer.status == 400
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.is_over()


@pytest.mark.parametrize(("lines", "body"), [("Content-Length: 3", "a=b"), ("Transfer-Encoding: chunked", CHUNKS)])
def test_after_a_request_whose_end_is_beyond_doubt_the_next_one_is_read(
    desk: Desk, alice: Customer, lines: str, body: str
) -> None:
    with Client(desk.url) as client:
        client.send(f"POST /api/v2 HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n\r\n{body}".encode() + post(alice.key))
        assert [client.answer().status for _ in range(2)] == [200, 200]
