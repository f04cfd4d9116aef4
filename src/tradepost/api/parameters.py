"""Reads a request's parameters from every format that clients send (docs/protocol.md §1).

The result is always a plain `dict[str, str]`:

- Values are stripped. Values that stand for "absent" (`JUNK`) are dropped.
- A list of ids becomes one value with commas, however the client wrote it. Any other list becomes lines.
- Characters that PostgreSQL can't store are replaced.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, parse_options_header

type Parameters = dict[str, str]

JUNK = frozenset({"", "undefined", "null"})
ID_LISTS = frozenset({"order", "orders", "refill", "refills"})

# python_multipart warns about every body that it can't read, so clients could fill the operator's log.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

_ASCII = {digits: chr(code) for code in range(128) for digits in {f"{code:02x}", f"{code:02X}"}}
_INDEX = re.compile(r"\[\d*\]$")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def parse_parameters(query: bytes, content_type: str, body: bytes) -> Parameters:
    """Return the parameters of a request. A parameter in the body replaces the same one in the query.

    Parts that can't be read count as absent.
    """
    found = _tidy(_urlencoded(query)) if query else {}
    if body:
        found |= _tidy(_body(content_type, body))
    return found


def _body(content_type: str, body: bytes) -> Iterable[tuple[str, str]]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _storable(_multipart(content_type, body))
    # Some clients send JSON with the content type of a form. No form begins with a brace.
    if kind == "application/json" or body.lstrip()[:1] == b"{":
        return _storable(_json(body))
    return _urlencoded(body)


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


def _json(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        # Not msgspec: a client that cuts an emoji in two sends half a surrogate pair, and msgspec refuses it.
        found = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(found, dict):
        return
    for name, value in found.items():
        if isinstance(value, list):
            yield name, _separator(name).join(_json_scalar(item) for item in value)
        else:
            yield name, _json_scalar(value)


def _separator(name: str) -> str:
    return "," if name in ID_LISTS else "\n"


def _json_scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else ""


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    found: list[tuple[str, str]] = []

    def keep(field: Field) -> None:
        if field.field_name:
            name, value = field.field_name, field.value or b""
            found.append((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")))

    if boundary:
        try:
            parser = FormParser("multipart/form-data", keep, None, boundary=boundary)
            parser.write(body)
            parser.finalize()
        except FormParserError:
            return []
    return found


def _storable(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in pairs:
        yield _UNSTORABLE.sub("\ufffd", name), _UNSTORABLE.sub("\ufffd", value)


def _tidy(pairs: Iterable[tuple[str, str]]) -> Parameters:
    tidied: Parameters = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name, raw_value.strip()
        if value in JUNK:
            continue
        if name.endswith("]"):
            name = _INDEX.sub("", name)
            if name in tidied:
                value = f"{tidied[name]}{_separator(name)}{value}"
        tidied[name] = value
    return tidied
