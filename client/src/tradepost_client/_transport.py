"""What both clients share of the network: how they are set up, and which of its failures are definite."""

import time
from collections.abc import Iterable
from importlib import metadata

import httpx2

from tradepost_client._errors import Reason
from tradepost_client._exchange import Answer, Failure

ANSWER_BYTES_MAX = 32 * 1024 * 1024
ANSWER_SECONDS_MAX = 120.0
TIMEOUT = httpx2.Timeout(30, connect=10)
LIMITS = httpx2.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=5)

HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept": "application/json",
    "User-Agent": f"tradepost-client/{metadata.version('tradepost-client')}",
}

# Raised by httpx2 before the first byte of a request, and at no other time: connecting, the TLS handshake and a
# proxy's CONNECT come first. `WriteError`, `LocalProtocolError` and the like may come in the middle.
NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


def address(url: str) -> httpx2.URL:
    """Return a URL as httpx2 takes it. Raises `ValueError` for what can't be sent to, before it is tried."""
    try:
        return httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"the URL of a panel can't be read: {error}") from None


def failure(error: Exception, partial: Answer | None = None) -> Failure:
    """Say what a failure to get an answer means; whatever is not known to come before the request may come after."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, NOT_SENT):
        return Failure(text, None)
    reason = Reason.TIMEOUT if isinstance(error, httpx2.TimeoutException | TimeoutError) else Reason.CONNECTION_LOST
    if isinstance(error, httpx2.DecodingError):
        reason = Reason.UNPARSABLE
    return Failure(text, reason, partial)


class Gathering:
    """An answer while it comes in, within limits of size and of time in all."""

    def __init__(self, response: httpx2.Response, bytes_max: int) -> None:
        self._response = response
        self._until = time.monotonic() + ANSWER_SECONDS_MAX
        self._bytes_max = bytes_max
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> bool:
        """Take in a part; False if that is more than there may be. Raises `TimeoutError` when time is over.

        The read timeout is no limit: it starts anew with every byte.
        """
        if time.monotonic() > self._until:
            raise TimeoutError(f"the answer takes longer than {ANSWER_SECONDS_MAX:g} s")
        self._parts.append(part)
        self._size += len(part)
        return self._size <= self._bytes_max

    def answer(self) -> Answer:
        """Return what has come in so far."""
        headers: Iterable[tuple[str, str]] = self._response.headers.multi_items()
        return Answer(self._response.status_code, tuple(headers), b"".join(self._parts))

    def too_large(self) -> Failure:
        """Say that there was more than there may be."""
        return Failure(f"more than {self._bytes_max} bytes", Reason.TOO_LARGE, self.answer())
