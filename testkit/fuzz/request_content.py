"""The content of requests: parameters written in every form that clients use, and ways to break the bytes."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from hypothesis import strategies as st

DEPTH_MAX = 20_000

type Strategy[Value] = st.SearchStrategy[Value]
type Parameters = Mapping[str, Any]
type Dialect = Callable[[Parameters], Message]
type Breakage = Callable[[bytes], bytes]


class Message(NamedTuple):
    """The content of a request. Without a body the request is a GET."""

    query: bytes = b""
    content_type: bytes = b""
    body: bytes = b""


def form(parameters: Parameters) -> Message:
    return Message(b"", b"application/x-www-form-urlencoded", _urlencoded(parameters))


def query(parameters: Parameters) -> Message:
    return Message(_urlencoded(parameters))


def multipart(parameters: Parameters) -> Message:
    parts = [
        b'--b0undary\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (_NAME_BREAKS.sub(b"_", _bytes(name)), _bytes(value))
        for name, value in parameters.items()
    ]
    return Message(b"", b"multipart/form-data; boundary=b0undary", b"".join(parts) + b"--b0undary--\r\n")


def as_json(parameters: Parameters) -> Message:
    """Write a JSON object. Half surrogate pairs are escaped, as by clients that cut an emoji in two."""
    return Message(b"", b"application/json", json.dumps(parameters).encode())


def _deep_json(depth: int, opening: str, closing: str) -> Dialect:
    """Return a dialect: JSON with a deeply nested value at its end."""
    deep = f',"deep":{opening * depth}1{closing * depth}}}'.encode()
    return lambda parameters: Message(b"", b"application/json", json.dumps(parameters).encode()[:-1] + deep)


def _urlencoded(parameters: Parameters) -> bytes:
    return urlencode([(_bytes(name), _bytes(value)) for name, value in parameters.items()]).encode()


def _bytes(value: object) -> bytes:
    """Write a value as in a form. Forms can't hold lists and objects: these become empty."""
    return b"" if value is None or isinstance(value, list | dict) else str(value).encode("utf-8", "surrogatepass")


_NAME_BREAKS = re.compile(rb'[\r\n"]')

DIALECTS: Strategy[Dialect] = st.one_of(
    st.sampled_from([form, query, multipart, as_json]),
    st.builds(_deep_json, st.integers(1, DEPTH_MAX), st.just("["), st.just("]")),
    st.builds(_deep_json, st.integers(1, DEPTH_MAX), st.just('{"a":'), st.just("}")),
)

CONTENT_TYPES = st.sampled_from(
    [
        b"", b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded; charset=utf-16",
        b"application/json", b"application/json; charset=utf-7", b"text/plain", b"text/xml",
        b"application/octet-stream",
        b"multipart/form-data", b"multipart/form-data; boundary=", b"multipart/form-data; boundary=b0undary",
        b"multipart/form-data; boundary=other", b'multipart/form-data; boundary="b0undary', b"multipart/form-data;;;=",
        b"multipart/form-data; boundary=" + b"b" * 300, b"multipart/form-data; boundary=\xff\xfe", b"multipart/mixed",
        b";", b"/", b"\xc3\x28", b"application/json" * 50,
    ]
)  # fmt: skip

# The last fragment makes a body larger than allowed.
_FRAGMENTS = st.binary(max_size=8) | st.sampled_from(
    [
        b"%", b"%zz", b"%0", b"%00", b"%u0041", b"%ff%fe", b"%ed%a0%80", b"\0", b"\xff\xfe", b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"&", b"=", b"&&==&", b";", b"+", b"\r\n", b"\n\n", b"--", b"--b0undary", b"--b0undary--", b'; filename="x"',
        b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: x\r\n", b"Content-Disposition: ",
        b'"', b"\\", b"\\ud800",
        b"{", b"}", b"[", b"]", b",", b":", b"1e999", b"-0", b"NaN", b"9" * 5_000, b"[" * 5_000, b'{"a":' * 5_000,
        b"&a=b" * 2_000, b"\xef\xbb\xbf", b"x" * 1_100_000,
    ]
)  # fmt: skip


def _insert(at: int, fragment: bytes) -> Breakage:
    return lambda data: data[: at % (len(data) + 1)] + fragment + data[at % (len(data) + 1) :]


def _replace(at: int, length: int, fragment: bytes) -> Breakage:
    return lambda data: data[: at % (len(data) + 1)] + fragment + data[at % (len(data) + 1) + length :]


def _repeat(at: int, length: int) -> Breakage:
    return lambda data: data[: at % (len(data) + 1) + length] + data[at % (len(data) + 1) :]


def _cut(at: int) -> Breakage:
    return lambda data: data[: at % (len(data) + 1)]


_AT = st.integers(0, 100_000)
_LENGTH = st.integers(1, 40)
BREAKAGES: Strategy[list[Breakage]] = st.lists(
    st.one_of(
        st.builds(_insert, _AT, _FRAGMENTS),
        st.builds(_replace, _AT, _LENGTH, _FRAGMENTS),
        st.builds(_repeat, _AT, _LENGTH),
        st.builds(_cut, _AT),
    ),
    min_size=1,
    max_size=4,
)
