"""Where a request ends is beyond doubt, or it is refused: nothing is smuggled past a proxy that reads it otherwise."""

import pytest

from tests.conftest import Customer, Desk
from tests.raw_http import Client, post
from tests.security.probes import SMUGGLED

TARGETS = ("/api/v2", "/account/login/")
CHUNKS = "3\r\na=b\r\n0\r\n\r\n"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", SMUGGLED)
def test_a_request_whose_end_is_in_doubt_is_refused_and_nothing_after_it_is_read(
    desk: Desk, alice: Customer, target: str, kind: str
) -> None:
    with Client(desk.url) as client:
        client.send(f"POST {target} HTTP/1.1\r\nHost: localhost\r\n{SMUGGLED[kind]}".encode() + post(alice.key))
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
