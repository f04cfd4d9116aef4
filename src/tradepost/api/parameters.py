"""Reads a request's parameters from every format that clients send (docs/protocol.md §1, docs/dialects.md).

The result is always a plain `dict[str, str]`:

- Values are stripped. Values that stand for "absent" (`JUNK`) are dropped.
- A list of ids becomes one value with commas, however the client wrote it. Any other list becomes lines.
- Characters that PostgreSQL can't store are replaced.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from tradepost.api import bodies
from tradepost.engine.order_types import LISTS, join_values

type Parameters = dict[str, str]

CONTENT_TYPES_REMEMBERED = 128
JUNK = frozenset({"", "undefined", "null"})

# The content types under which a body that begins like a form may be something else.
_AMBIGUOUS = frozenset({"multipart/form-data", "text/plain"})
_ASCII = {digits: chr(code) for code in range(128) for digits in {f"{code:02x}", f"{code:02X}"}}
_INDEXES = re.compile(r"[^\[\]]*\](?:\[[0-9]*\])*")  # what follows the first bracket of name[], name[a], name[0][1]
_NAME = re.compile(rb"(?:^|&)[\w.%\[\]-]+=")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def parse_parameters(query: bytes, content_type: str, body: bytes) -> Parameters:
    """Return the parameters of a request. A parameter in the body replaces the same one in the query.

    Parts that can't be read count as absent.
    """
    found = _tidy(_urlencoded(query)) if query else {}
    if body:
        found |= _tidy(_body(content_type, body))
    return found


def is_understood(content_type: str, body: bytes) -> bool:
    """Return whether a body holds parameters, or nothing at all. This reads the body once more, so ask only if needed.

    Every text can be read as a form. It counts as one if it has a name that a parameter may have.
    """
    read = body if _is_form(content_type, body) else bodies.read(_media_type(content_type), content_type, body)
    if not isinstance(read, bytes):
        return read is not None
    if read.strip().decode("latin-1") in JUNK:
        return True
    return _NAME.search(read) is not None


def _body(content_type: str, body: bytes) -> Iterable[tuple[str, str]]:
    if _is_form(content_type, body):
        return _urlencoded(body)
    read = bodies.read(_media_type(content_type), content_type, body)
    return _urlencoded(read) if isinstance(read, bytes) else _storable(read or ())


def _is_form(content_type: str, body: bytes) -> bool:
    """Return whether a body is a form without a doubt. A form may come under any content type."""
    return body[:1].isalpha() and _media_type(content_type) not in _AMBIGUOUS


@lru_cache(maxsize=CONTENT_TYPES_REMEMBERED)
def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _urlencoded(data: bytes) -> Iterable[tuple[str, str]]:
    text = data.decode("utf-8", "replace")
    pairs = _pairs(text)
    return _storable(pairs) if "\0" in text or "%00" in text else pairs  # a form can hold a NUL in these two ways only


def _pairs(text: str) -> list[tuple[str, str]]:
    found = []
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = _decode(name), _decode(value)
        found.append((name, value))
    return found


def _decode(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    # A fast way for the characters that fill links and lists of ids. None is a hex digit or %, so this makes no escape.
    text = text.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",")
    start, *escaped = text.split("%")
    try:
        return start + "".join([_ASCII[part[:2]] + part[2:] for part in escaped])
    except KeyError:  # a byte of a longer character, or a % that begins no escape
        return unquote_to_bytes(text).decode("utf-8", "replace")


def _storable(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in pairs:
        yield _UNSTORABLE.sub("\ufffd", name), _UNSTORABLE.sub("\ufffd", value)


def _tidy(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Return the parameters by name. Of a parameter that is no list, the last value counts."""
    tidied: Parameters = {}
    lists: dict[str, list[str]] = {}  # the values of each parameter that came more than once
    for raw_name, raw_value in pairs:
        name, value = raw_name, raw_value.strip()
        if value in JUNK:
            continue
        if "]" in name:
            name = _without_indexes(name)
        if name in tidied and (name in LISTS or name is not raw_name):
            lists.setdefault(name, [tidied[name]]).append(value)
        else:
            tidied[name] = value
    for name, values in lists.items():
        tidied[name] = join_values(name, values)
    return tidied


def _without_indexes(name: str) -> str:
    base, _, indexes = name.partition("[")
    return base if _INDEXES.fullmatch(indexes) else name
