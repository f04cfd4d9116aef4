"""Heads of requests that have been read before: whoever asks often sends the same bytes up to the body.

What a parser finds in a head follows from its bytes alone. So it reads each head once, and what it found is found again
by those bytes: a look-up in place of a third of what HTTP costs.
"""

from collections.abc import Sequence

import msgspec

HEADS_MAX = 1_000
BYTES_MAX = 2_048
END = b"\r\n\r\n"

# What is a secret, or of one request only: no head that has it is kept.
_OWN = frozenset({b"authorization", b"cookie", b"idempotency-key", b"proxy-authorization"})


class Head(msgspec.Struct, frozen=True):
    """What the API wants to know of a request's head; of a header that came twice, the last one counts."""

    content_type: str
    takes_gzip: bool
    bearer: str  # a key that came as a header
    idempotency_key: str | None
    forwarded_for: str  # all that proxies have said, in their order
    may_be_kept: bool

    @classmethod
    def of(cls, headers: Sequence[tuple[bytes, bytes]]) -> "Head":
        """Read headers; their names are in lower case."""
        by_name = dict(headers)
        scheme, _, key = _text(by_name, b"authorization").partition(" ")
        return cls(
            _text(by_name, b"content-type"),
            b"gzip" in by_name.get(b"accept-encoding", b""),
            key.strip() if scheme.lower() == "bearer" else "",
            _text(by_name, b"idempotency-key").strip() or None,
            _all(headers, b"x-forwarded-for") if b"x-forwarded-for" in by_name else "",
            _OWN.isdisjoint(by_name),
        )


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _all(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> str:
    return b", ".join([value for name, value in headers if name == wanted]).decode("latin-1")


class HeadCache:
    """Heads of requests that keep their connection and have a body of a length that is told, or none."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Head, int]] = {}  # with the length of the body

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return head and body, if `data` is just one whole request and its head is known."""
        end = data.find(END) + len(END)
        known = self._known.get(data[:end])
        if known is None or len(data) - end != known[1]:
            return None
        return known[0], data[end:]

    def keep(self, data: bytes, head: Head, length: int) -> None:
        """Remember a head, if `data` is just the one request that the parser has read it of, with a body so long."""
        end = data.find(END) + len(END)
        read = data[:end]
        if len(data) - end != length or end > BYTES_MAX or not head.may_be_kept:
            return
        if read.count(b"\n") != read.count(b"\r\n"):  # the first empty line may be another one
            return
        if len(self._known) >= HEADS_MAX:
            self._known.clear()
        self._known[read] = head, length
