"""Finding the JSON in what a panel sends: behind byte-order marks, PHP's messages and a wrong content type.

It is found where it can only be the answer, and nowhere else: a firewall's page may hold JSON of its own, and a
truncated answer holds whole objects, errors of single ids among them. To read one of those as the answer would make a
refusal of an order that was accepted.
"""

import json
import re
from decimal import Decimal

START_CHARS_MAX = 64 * 1024

# What json.loads gives, except that numbers with a fraction are Decimal.
type Json = dict[str, Json] | list[Json] | str | int | Decimal | bool | None


class NoJson(ValueError):  # noqa: N818 - not an error yet: the caller knows what it means
    """There is no answer in it."""


_PAGE = re.compile(r"<!doctype|<html|<head|<body|<script", re.IGNORECASE)
_MESSAGE = re.compile(r"\b(?:Notice|Warning|Deprecated|Strict Standards)\s*(?:</b>)?\s*:")
_START = re.compile(r"""\{\s*["}]|\[\s*[\[{\]"]""")
_IGNORED = "\ufeff\x00 \t\r\n"


def _no_constant(name: str) -> Json:
    raise NoJson(name)


# Not strict: raw line breaks in strings are what panels' descriptions have.
_decoder = json.JSONDecoder(strict=False, parse_float=Decimal, parse_constant=_no_constant)


def find(body: bytes) -> Json:
    """Return the answer in a body. Raises `NoJson`, and nothing else, whatever the bytes."""
    text = body.decode("utf-8", "replace").strip(_IGNORED)
    start = _start(text)
    try:
        value, end = _decoder.raw_decode(text, start)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NoJson(str(error)) from None
    after = text[end:].strip(_IGNORED)
    if after and (_PAGE.search(after) or not _MESSAGE.match(re.sub(r"^(?:<[^>]*>|\s)*", "", after))):
        raise NoJson("something else follows")
    found: Json = value
    return found


def _start(text: str) -> int:
    """Return where the answer begins: at once, or behind messages that PHP printed first."""
    if not text or not (text[0] == "<" or text[0].isalpha()):
        return 0
    begin = _START.search(text, 0, START_CHARS_MAX)
    if begin is None:
        return 0
    before = text[: begin.start()].rstrip()
    if _PAGE.search(before) or not _MESSAGE.search(before) or before.endswith((",", ":", "[", "{")):
        raise NoJson("a page, or a part of an answer")
    return begin.start()
