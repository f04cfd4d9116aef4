"""The whole body is read, or none of it counts."""

import asyncio
from typing import Any

import pytest

from tradepost.api.request_bodies import (
    THROWN_AWAY_BYTES_MAX,
    BodyTooLargeError,
    ClientDisconnectedError,
    read_body,
)

DISCONNECT = {"type": "http.disconnect"}


def read(*messages: dict[str, Any], length: bytes | None = None, bytes_max: int = 5) -> tuple[bytes, int]:
    """Read a body; return it, and how many messages are left."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    headers = [(b"content-length", length)] if length is not None else []
    body = asyncio.run(read_body({"headers": headers}, receive, bytes_max=bytes_max))
    return body, len(waiting)


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_is_read_to_its_end() -> None:
    assert read(part(b"ab", more=True), part(b"", more=True), part(b"cde"), length=b"5") == (b"abcde", 0)
    assert read({"type": "http.request"}) == (b"", 0)


@pytest.mark.parametrize("length", [b"", b"-1", b"x", b"%d" % (THROWN_AWAY_BYTES_MAX + 1)])
def test_an_announced_length_that_is_none_or_too_large_is_refused_unread(length: bytes) -> None:
    with pytest.raises(BodyTooLargeError):
        read(length=length)


def test_a_larger_body_is_thrown_away_so_that_the_client_reads_the_refusal() -> None:
    with pytest.raises(BodyTooLargeError):
        read(part(b"abc", more=True), part(b"def", more=True), part(b"ghi"))


def test_a_body_without_an_end_is_not_read_for_ever() -> None:
    endless = [part(b"x" * (THROWN_AWAY_BYTES_MAX // 2), more=True)] * 3
    with pytest.raises(BodyTooLargeError):
        read(*endless)


def test_a_part_of_a_body_is_no_body() -> None:
    with pytest.raises(ClientDisconnectedError):
        read(part(b"ab", more=True), DISCONNECT)
