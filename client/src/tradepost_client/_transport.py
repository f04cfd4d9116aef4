"""What both clients share about the network: defaults, limits, and which failures are definite."""

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

# httpx2 raises these before the first byte of a request, and never later: connecting, the TLS handshake and a proxy's
# CONNECT come first. `WriteError`, `LocalProtocolError` and similar errors may come in the middle of a request.
NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


def parse_url(url: str) -> httpx2.URL:
    """Parse a panel's URL. Raises `ValueError` if it is malformed, before the first call."""
    try:
        return httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"the URL of a panel can't be read: {error}") from None


def failure(error: Exception, partial: Answer | None = None) -> Failure:
    """Classify an exception. Only those in `NOT_SENT` are definite; after any other, the panel may have the order."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, NOT_SENT):
        return Failure(text, None)
    reason = Reason.TIMEOUT if isinstance(error, httpx2.TimeoutException | TimeoutError) else Reason.CONNECTION_LOST
    if isinstance(error, httpx2.DecodingError):
        reason = Reason.UNPARSABLE
    return Failure(text, reason, partial)


class PartialAnswer:
    """An answer while its body arrives, within limits of size and of total time."""

    def __init__(self, response: httpx2.Response, bytes_max: int) -> None:
        self._response = response
        self._until = time.monotonic() + ANSWER_SECONDS_MAX
        self._bytes_max = bytes_max
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> bool:
        """Add a part of the body. Return False if the body is now too large; raise `TimeoutError` if time is up.

        The read timeout does not limit the total time, because it starts again with every byte.
        """
        if time.monotonic() > self._until:
            raise TimeoutError(f"the answer takes longer than {ANSWER_SECONDS_MAX:g} s")
        self._parts.append(part)
        self._size += len(part)
        return self._size <= self._bytes_max

    def answer(self) -> Answer:
        """Return the answer as far as it has arrived."""
        headers: Iterable[tuple[str, str]] = self._response.headers.multi_items()
        return Answer(self._response.status_code, tuple(headers), b"".join(self._parts))

    def too_large(self) -> Failure:
        return Failure(f"more than {self._bytes_max} bytes", Reason.TOO_LARGE, self.answer())
