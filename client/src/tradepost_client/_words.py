"""What a panel said, as words for people to read, wherever in the answer it stands. Nothing is decided by them."""

import re
from collections.abc import Iterator

from tradepost_client import _json, _values
from tradepost_client._fields import Fields, plain
from tradepost_client._json import Json, NoJson

WORDS_CHARS_MAX = 500
BODY_BYTES_MAX = 4_000  # of a body that is no JSON

_NAMES = (
    "error", "message", "messages", "msg", "errors", "errormessage", "errormsg", "errmsg", "errordescription", "detail",
    "details", "reason", "description", "note", "data", "result", "response", "exception",
)  # fmt: skip
_WITH_ANY_NAMES = frozenset({"error", "errors", "message", "messages"})  # may hold texts by the names of parameters
_NO_WORDS = frozenset({"null", "none", "undefined", "true", "false", "n/a"})
_DEPTH_MAX = 5
_TITLE = re.compile(r"<title[^>]*>([^<]+)", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)|<[^>]*>", re.IGNORECASE | re.DOTALL)


def of_body(body: bytes) -> str:
    """Return the words of an answer: of its JSON, else its text, or the title if it is a page. May be empty."""
    try:
        return of_json(_json.find_answer(body))
    except NoJson:
        text = body[:BODY_BYTES_MAX].decode("utf-8", "ignore").lstrip("\ufeff\x00 \t\r\n")
    if text.startswith(("{", "[")):
        return ""  # JSON that broke off: half a sentence may say the opposite
    title = _TITLE.search(text)
    return _readable(title[1] if title else _UNSEEN.sub(" ", text))[:WORDS_CHARS_MAX]


def of_json(value: Json) -> str:
    """Return the words of an answer or of a part of it, in the order of `_NAMES`."""
    return "; ".join(dict.fromkeys(_texts(value, _DEPTH_MAX)))[:WORDS_CHARS_MAX]


def _texts(value: Json, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        text = _readable(value)
        if text.lower() not in _NO_WORDS and any(char.isalpha() for char in text):
            yield text
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _texts(item, depth - 1)
    elif isinstance(value, dict) and depth:
        fields = plain(value)
        for name in _NAMES:
            yield from _texts(_without_names(name, fields.get(name)), depth - 1)


def _without_names(name: str, value: Json) -> Json:
    """Return the values of an object like `{"link": ["The link is required."]}`; anything else as it is."""
    if name not in _WITH_ANY_NAMES or not isinstance(value, dict):
        return value
    fields: Fields = plain(value)
    return value if any(known in fields for known in _NAMES) else list(value.values())


def _readable(text: str) -> str:
    """Return a text in one line, without entities and control characters."""
    shown = "".join(char if char.isprintable() else " " for char in _values.unescape(text))
    return " ".join(shown.split())
