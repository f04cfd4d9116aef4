"""Finds out what a request's body is: form, multipart or JSON. Its content type may be wrong (docs/dialects.md).

Forms are only found here; `parameters` reads them.
"""

import json
import logging
import re
from collections.abc import Iterator
from urllib.parse import quote_from_bytes, unquote_to_bytes

from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, parse_options_header

from tradepost.engine.order_types import LISTS, join_values

type Pairs = list[tuple[str, str]]

NESTED_MAX = 3  # lists in lists
BOM = b"\xef\xbb\xbf"

# python_multipart warns about every body that it can't read, so clients could fill the operator's log.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

_DELIMITER = re.compile(rb"--([^\r\n]{1,70})\r?\ncontent-", re.IGNORECASE)
_LINES = re.compile(rb"(?:[\w.\[\]-]+=[^\r\n]*(?:\r?\n|$)){2,}")


class _Object(list[tuple[str, object]]):
    """A JSON object as its pairs: a name may come twice."""


# Not msgspec: a client that cuts an emoji in two sends half a surrogate pair, and msgspec refuses it.
_DECODE = json.JSONDecoder(object_pairs_hook=_Object).decode


def read(media_type: str, content_type: str, body: bytes) -> Pairs | bytes | None:
    """Return the parameters of a body, or the body itself if it can only be a form; None if it is neither.

    A body is what it looks like, whatever its content type says:

    1. An object, an array or a string of JSON. A string may hold JSON or a form.
    2. JSON that was escaped as if it were a value of a form.
    3. Multipart, also under another content type, or with a boundary that is missing in the head.
    4. Lines of `name=value`, as browsers send a form as `text/plain`.
    5. A form.
    """
    text = body.removeprefix(BOM).strip()
    if text[:1] in {b"{", b"[", b'"'}:
        return _read_json(text)
    if media_type == "application/json" and text and (b"=" not in text or b"\0" in text):
        return _read_json(body)  # a bare value, or UTF-16
    if text[:3].upper() in {b"%7B", b"%5B"}:
        return _read_json(unquote_to_bytes(text.replace(b"+", b" ")))
    if media_type == "multipart/form-data" or text.startswith(b"--"):
        return _read_parts(content_type, text)
    return _join_lines(text) if media_type == "text/plain" and b"&" not in text else text


def _read_json(text: bytes, *, is_within_string: bool = False) -> Pairs | bytes | None:
    try:
        # A client that takes the JSON for the name of a form's parameter writes a `=` after it.
        found = _DECODE(text.removesuffix(b"=").decode(json.detect_encoding(text), "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    if type(found) is list and len(found) == 1:
        found = found[0]
    if isinstance(found, _Object):
        return [(name, value if type(value) is str else _value(name, value)) for name, value in found]
    if isinstance(found, str) and not is_within_string:
        inner = found.encode("utf-8", "replace").strip()
        return _read_json(inner, is_within_string=True) if inner[:1] in {b"{", b"["} else inner
    return [] if found is None or found == [] else None


def _value(name: str, value: object) -> str:
    if isinstance(value, _Object) and name not in LISTS:
        return ""
    return join_values(name, _items(value)) if isinstance(value, list) else _scalar(value)


def _items(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the items of a list. An object is a list too if its names are only numbers, or if it is the outermost."""
    if isinstance(value, _Object):
        value = [item for _, item in value] if depth == 0 or all(name.isdigit() for name, _ in value) else []
    if not isinstance(value, list):
        yield _scalar(value)
    elif depth < NESTED_MAX:
        for item in value:
            yield from _items(item, depth + 1)


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else ""


def _read_parts(content_type: str, text: bytes) -> Pairs | bytes | None:
    delimiter = _DELIMITER.match(text)
    boundary = delimiter[1] if delimiter else parse_options_header(content_type)[1].get(b"boundary")
    if boundary and b"--" + boundary in text:
        return _read_multipart(boundary, (text if b"\r\n" in text else text.replace(b"\n", b"\r\n")) + b"\r\n")
    return None if text.startswith(b"--") else text


def _read_multipart(boundary: bytes, body: bytes) -> Pairs | None:
    found: Pairs = []

    def keep(field: Field) -> None:
        if field.field_name:
            name, value = field.field_name, field.value or b""
            found.append((name.decode("utf-8", "replace"), value.decode("utf-8", "replace")))

    try:
        parser = FormParser("multipart/form-data", keep, None, boundary=boundary)
        parser.write(body)
        parser.finalize()
    except FormParserError:
        return None
    return found


def _join_lines(text: bytes) -> bytes:
    """Return lines of `name=value`, which are not escaped, as a form; any other text as it is."""
    if not _LINES.fullmatch(text):
        return text
    return b"&".join(quote_from_bytes(line, "=[]").encode() for line in text.splitlines())
