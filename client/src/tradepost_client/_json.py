"""Finding the JSON in a panel's answer: behind byte-order marks, PHP's messages and a wrong content type.

JSON counts only where it can be nothing but the answer. A firewall's page may contain JSON of its own. A truncated
answer contains whole objects, among them the errors of single ids. If one of those were taken for the answer, an order
that the panel accepted would be reported as refused.
"""

import json
import re
from decimal import Decimal

START_CHARS_MAX = 64 * 1024

# As json.loads returns it, except that numbers with a fraction are Decimal.
type Json = dict[str, Json] | list[Json] | str | int | Decimal | bool | None


class NoJson(ValueError):  # noqa: N818 - not an error yet: the caller decides what it means
    """The body contains no JSON that can only be the answer."""


_PAGE = re.compile(r"<!doctype|<html|<head|<body|<script", re.IGNORECASE)
_MESSAGE = re.compile(r"\b(?:Notice|Warning|Deprecated|Strict Standards)\s*(?:</b>)?\s*:")
_START = re.compile(r"""\{\s*["}]|\[\s*[\[{\]"]""")
_IGNORED = "\ufeff\x00 \t\r\n"
# Characters that are no text: databases and files refuse them.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_MAY_HAVE_NO_TEXT = re.compile(r"\x00|\\u(?:0000|[dD][89a-fA-F])")


def _no_constant(name: str) -> Json:
    raise NoJson(name)


# Not strict, because panels send descriptions with raw line breaks in strings.
_decoder = json.JSONDecoder(strict=False, parse_float=Decimal, parse_constant=_no_constant)


def find_answer(body: bytes) -> Json:
    """Return the answer in a body. Raises `NoJson`, and nothing else, for any bytes."""
    text = body.decode("utf-8", "replace").strip(_IGNORED)
    start = _answer_start(text)
    try:
        value, end = _decoder.raw_decode(text, start)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NoJson(str(error)) from None
    after = text[end:].strip(_IGNORED)
    if after and (_PAGE.search(after) or not _MESSAGE.match(re.sub(r"^(?:<[^>]*>|\s)*", "", after))):
        raise NoJson("something else follows")
    answer: Json = _as_text(value) if _MAY_HAVE_NO_TEXT.search(text) else value
    return answer


def _as_text(value: Json) -> Json:
    """Return a value without the characters that are no text, NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return _NO_TEXT.sub("", value)
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    if isinstance(value, dict):
        return {_NO_TEXT.sub("", name): _as_text(item) for name, item in value.items()}
    return value


def _answer_start(text: str) -> int:
    """Return the index where the answer begins: 0, or behind messages that PHP printed first."""
    if not text or not (text[0] == "<" or text[0].isalpha()):
        return 0
    start = _START.search(text, 0, START_CHARS_MAX)
    if start is None:
        return 0
    before = text[: start.start()].rstrip()
    if _PAGE.search(before) or not _MESSAGE.search(before) or before.endswith((",", ":", "[", "{")):
        raise NoJson("a page, or a part of an answer")
    return start.start()
