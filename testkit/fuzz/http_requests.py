"""HTTP requests as bytes: a message in an envelope, well-formed or broken."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from testkit.fuzz.request_content import Message, Strategy

SHOWN_BYTES_MAX = 2_000
HEAD_BYTES_MAX = 60_000  # the server's limit for target and headers

type Header = tuple[bytes, bytes]


class Request(NamedTuple):
    """The bytes to send. A well-formed request must be answered, and its connection stays usable."""

    data: bytes
    is_well_formed: bool = True

    def __repr__(self) -> str:
        """Return the beginning of the bytes, for error messages."""
        more = "" if len(self.data) <= SHOWN_BYTES_MAX else f"… ({len(self.data):,} bytes)"
        return f"{self.data[:SHOWN_BYTES_MAX]!r}{more}"


class Envelope(NamedTuple):
    """The parts of a request around its message."""

    path: bytes
    headers: Sequence[Header]
    chunk_bytes: int  # 0: not chunked


_VALUES = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=300).map(
    lambda text: text.strip().encode("latin-1")
)
_HEADERS = st.one_of(
    st.tuples(st.sampled_from([b"Authorization", b"Idempotency-Key", b"User-Agent", b"Cookie", b"X-Made-Up"]), _VALUES),
    st.sampled_from(
        [
            (b"Authorization", b"Bearer"), (b"Authorization", b"Bearer tp_live_unknown"),
            (b"Authorization", b"Basic Og=="),
            (b"Accept-Encoding", b"gzip"), (b"Accept-Encoding", b"br;q=1, *;q=0"), (b"Accept", b"text/html"),
            (b"Expect", b"100-continue"), (b"Content-Encoding", b"gzip"), (b"X-Forwarded-For", b"127.0.0.1, \xff"),
            (b"Forwarded", b"for=;;"), (b"Range", b"bytes=0-0"), (b"Upgrade", b"h2c"), (b"Connection", b"Upgrade"),
            (b"Origin", b"null"), (b"Idempotency-Key", b"k" * 5_000),
        ]
    ),
)  # fmt: skip


def envelopes(key: str) -> Strategy[Envelope]:
    """Make up envelopes. Most have the key in a header, where broken content can't damage it."""
    bearer = [(b"Authorization", b"Bearer " + key.encode())]
    headers = st.builds(list[Header].__add__, st.lists(_HEADERS, max_size=2), st.sampled_from([[], bearer, bearer]))
    paths = st.sampled_from([b"/api/v2", b"/api/v2/"])
    return st.builds(Envelope, paths, headers, st.sampled_from([0, 0, 0, 1_000, 7]))


def write(message: Message, envelope: Envelope) -> Request:
    """Put a message into a well-formed request. Bytes of the query that no target may have are left out."""
    query = re.sub(rb"[^!-~]|#", b"", message.query)[:HEAD_BYTES_MAX]
    target = b"%s?%s" % (envelope.path, query) if query else envelope.path
    method = b"POST" if message.body else b"GET"
    headers = [(b"Host", b"localhost"), *envelope.headers]
    if message.content_type:
        headers.append((b"Content-Type", message.content_type))
    body = message.body
    if body and envelope.chunk_bytes:
        headers.append((b"Transfer-Encoding", b"chunked"))
        body = _chunked(body, max(envelope.chunk_bytes, len(body) // 1_000))
    elif body:
        headers.append((b"Content-Length", b"%d" % len(body)))
    head = b"".join(b"%s: %s\r\n" % header for header in headers)
    return Request(b"%s %s HTTP/1.1\r\n%s\r\n%s" % (method, target, head, body))


def _chunked(body: bytes, size: int) -> bytes:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


_HEAD_BREAKS = st.sampled_from(
    [
        (rb"^[A-Z]+ ", b"BREW "), (rb"^[A-Z]+ ", b"\0"), (rb"^[A-Z]+ ", b" "), (rb"HTTP/1.1", b"HTTP/9.9"),
        (rb" HTTP/1.1", b""), (rb"HTTP/1.1", b"HTTP/1.0"), (rb"/api/v2", b"/api/v2 \xff\0"), (rb"/api/v2", b"//\\../%"),
        (rb"/api/v2", b"http://[::"), (rb"Host: localhost\r\n", b""), (rb"Host: ", b"Host"), (rb"Host: ", b"Ho\0st: "),
        (rb"Host: ", b" Host: "), (rb"localhost", b"local\nhost"), (rb"localhost", b"h" * 100_000),
        (rb"localhost\r\n", b"localhost\r\n" + b"X: y\r\n" * 5_000), (rb"\r\n", b"\n"), (rb"\r\n\r\n", b"\r\n"),
        (rb"Content-Length: ", b"Content-Length: -"), (rb"Content-Length: ", b"Content-Length: 99"),
        (rb"Content-Length: ", b"Content-Length: 1e"),
        (rb"Content-Length: ", b"Content-Length: 9999999999999999999999"),
        (rb"Content-Length: ", b"Content-Length: 0\r\nContent-Length: "),
        (rb"Content-Length: ", b"Transfer-Encoding: chunked\r\nContent-Length: "),
        (rb"\r\n\r\n", b"\r\nTransfer-Encoding: gzip\r\n\r\n"),
        (rb"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        (rb"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
        (rb"^", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), (rb"^", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        (rb"^", b"\r\n" * 50),
        (rb"^", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3),
    ]
)  # fmt: skip


def _break_head(request: Request, broken: tuple[bytes, bytes]) -> Request:
    pattern, instead = broken
    return Request(re.sub(pattern, lambda _: instead, request.data, count=1), is_well_formed=False)


def _cut(request: Request, at: int) -> Request:
    return Request(request.data[: at % (len(request.data) + 1)], is_well_formed=False)


def broken(requests: Strategy[Request]) -> Strategy[Request]:
    """Break requests: the results are no HTTP, or may be none."""
    return st.one_of(
        st.builds(_break_head, requests, _HEAD_BREAKS),
        st.builds(_cut, requests, st.integers(0, 100_000)),
        st.builds(Request, st.binary(max_size=500), st.just(value=False)),
    )
