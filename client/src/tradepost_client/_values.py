"""Parsing of single values, in every form in which panels write them (docs/protocol.md §5).

Each function takes any JSON value. None of them raises: a value that can't be parsed is None, empty or False.
"""

import html
import json
import re
from collections.abc import Iterable
from decimal import Decimal
from html.entities import html5

from tradepost_client._json import Json
from tradepost_client._results import Id

DIGITS_MAX = 30  # more than any amount or count has
TEXT_CHARS_MAX = 2_000
ID_CHARS_MAX = 200
AMOUNT_CHARS_MAX = 100

_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_MARKED = re.compile(r"[^0-9-]*(-?)[^0-9-]*([0-9][0-9., '\u00a0\u202f\u2009’]*)([^0-9-]*)")
_SPACES = re.compile(r"[ '\u00a0\u202f\u2009’]")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}(?:([,.])[0-9]{3})(?:\1[0-9]{3})*", re.ASCII)
_MARKS = str.maketrans({"\u2212": "-", "\u066b": ".", "\u066c": ","})  # a minus, and Arabic decimal and thousands marks
_MULTIPLES = {
    1_000: "k thousand thsd тыс rb ribu bin",
    1_000_000: "m kk mn mln mio million millions млн jt juta milyon",
    1_000_000_000: "b bn bln billion billions млрд miliar milyar",
}
_MULTIPLE_OF = {word: number for number, words in _MULTIPLES.items() for word in words.split()}
_WORD = re.compile(r"\s*([^\W0-9_]+)")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});", re.ASCII)
_ESCAPES_MAX = 3  # how often a text is unescaped: `&amp;amp;` was escaped twice
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]*", re.ASCII)
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "₽": "RUB", "₹": "INR", "₺": "TRY", "₴": "UAH", "₦": "NGN"}
_CODE = re.compile(r"\b[A-Z]{3}\b")
_YES = frozenset({"1", "true", "yes", "on", "y"})
_OFFERED = _YES | {"t", "enabled", "enable", "allowed", "available", "active"}
_NO = frozenset({"0", "false", "no", "off", "n", "f"})
_NOTHING = frozenset({"", "0", "false", "null", "none", "no", "undefined", "nil", "n/a", "-"})


def text(value: Json) -> str:
    """Return a value as text: empty for null, an array or an object."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Decimal):
        return format(value, "f") if _is_sane(value) else str(value)
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else _digits(value)


def raw(value: Json) -> str:
    """Return a value as JSON, cut to `TEXT_CHARS_MAX`, for people to read."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)[:TEXT_CHARS_MAX]
    except (ValueError, RecursionError):  # more digits, or more levels, than Python prints
        return "…"


def plain_text(value: Json) -> str:
    """Return a value as text, with characters in place of HTML entities."""
    return unescape(text(value)).strip()


def unescape(text: str) -> str:
    """Return a text with characters in place of HTML entities, escaped twice or not. The result is text, not HTML.

    An entity ends in a semicolon and has a name that HTML knows, so that `AT&T;` and `?a=1&copy=2` stay as they are.
    """
    for _ in range(_ESCAPES_MAX):
        if "&" not in text:
            break
        text = _ENTITY.sub(_character, text)
    return text


def _character(entity: re.Match[str]) -> str:
    name = entity[0][1:]
    if name[0] != "#" and name not in html5:
        return entity[0]
    return html.unescape(entity[0]).replace("\u00a0", " ").replace("\x00", "")


def is_nothing(value: Json) -> bool:
    """Return whether a value is empty, or a word for nothing such as "null" or "none"."""
    return not value or (isinstance(value, str) and value.strip().lower() in _NOTHING)


def amount(value: Json, *, decimal_comma: bool = False) -> Decimal | None:
    """Parse an amount, such as a number, "1,234.56", "1.234,56", "0,900", "$ 12.5" or "12.5 USD".

    One mark and three digits after it are ambiguous. "1.500" is 1.5 and "1,500" is 1500, unless the caller knows that
    the panel writes a decimal comma (see `writes_decimal_commas`): then it is the reverse. "10K" is no amount.
    """
    if isinstance(value, Decimal):
        return value if _is_sane(value) else None
    written = "" if isinstance(value, bool) else _number_text(value)
    if len(written) > AMOUNT_CHARS_MAX:
        return None
    if not _PLAIN.fullmatch(written) or (decimal_comma and _THOUSANDS.fullmatch(written)):
        written = _plain_number(written, "," if decimal_comma else ".")
    number = Decimal(written or "NaN")
    return number if _is_sane(number) else None


def writes_decimal_commas(values: Iterable[Json]) -> bool:
    """Return whether the amounts of a list show that its decimal mark is the comma.

    They show it if a quarter of those with a comma can be nothing else ("0,9", "12,50", "1.234,56"), and none is
    written with a decimal point or with two thousands commas.
    """
    certain = ambiguous = 0
    for value in values:
        mark, is_certain = _decimal_mark(value) if isinstance(value, str) else ("", False)
        if mark == "." and is_certain:
            return False
        certain += mark == "," and is_certain
        ambiguous += mark == "," and not is_certain
    return bool(certain) and 4 * certain >= certain + ambiguous


def _decimal_mark(written: str) -> tuple[str, bool]:
    """Return the mark that may be an amount's decimal mark, and whether it can be nothing else."""
    match = _MARKED.fullmatch(written.strip()[:AMOUNT_CHARS_MAX])
    digits = _SPACES.sub("", match[2]).rstrip(".,") if match else ""
    last = max(digits.rfind(","), digits.rfind("."))
    if last < 0:
        return "", False
    if digits.count(digits[last]) > 1:
        return ("." if digits[last] == "," else ","), True
    return digits[last], not _THOUSANDS.fullmatch(digits)


def whole(value: Json) -> int | None:
    """Parse a whole number, which may be negative. "100.00" is a whole number, "100.5" isn't.

    "1.500" can only be 1500. "10.000" is None: it may be ten, with three decimals, or ten thousand.
    """
    written = _number_text(value) if isinstance(value, str) else ""
    if _THOUSANDS.fullmatch(written) and written.count(".") == 1:
        return None if written.endswith("000") else int(written.replace(".", ""))
    number = amount(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def limit(value: Json) -> int | None:
    """Parse the smallest or largest quantity of a service: as `whole`, and "10K", "1.5M", "10 000" or "10.000".

    None stands for no limit, too: "unlimited", "∞", null, -1.
    """
    written = _number_text(value).replace("+", "").strip()
    match = _MARKED.fullmatch(written)
    multiple = _multiple(match[3]) if match else None
    if _THOUSANDS.fullmatch(written) and isinstance(value, str):
        number: int | None = int(re.sub("[,.]", "", written))
    elif match and multiple:
        number = whole(_scaled(match[2], multiple))
    else:
        number = whole(value)
    return None if number is None or number < 0 else number


def _scaled(written: str, multiple: int) -> Decimal | None:
    number = amount(written)
    return None if number is None else number * multiple


def flag(value: Json) -> bool:
    """Return whether a value means yes (see `_YES`)."""
    return text(value).lower() in _YES


def is_offered(value: Json) -> bool:
    """Return whether a value means that a service has something: yes, or a word such as "enabled"."""
    return text(value).lower() in _OFFERED


def is_no(value: Json) -> bool:
    """Return whether a value means no (see `_NO`). Null, nothing and any other text do not."""
    return text(value).lower() in _NO


def id_(value: Json) -> Id | None:
    """Parse an id. Zero, negative numbers, and text without a digit ("null", "error") are no ids."""
    if isinstance(value, bool):
        return None
    written = text(value)
    if isinstance(value, Decimal):
        number = whole(value)
        return number if number and number > 0 else None
    has_digit = any(char.isdigit() for char in written)
    if not _ID.fullmatch(written) or len(written) > ID_CHARS_MAX or not has_digit:
        return None
    if not written.isdigit():
        return written
    if not written.strip("0"):
        return None
    return written if written[0] == "0" else int(written)  # an int would lose the leading zero


def currency(value: Json) -> str:
    """Return the code of the currency that an amount is written with; empty if it has no sign and no code."""
    written = text(value)
    code = _CODE.search(written)
    if code:
        return code[0]
    return next((name for sign, name in _CURRENCIES.items() if sign in written), "")


def _number_text(value: Json) -> str:
    """Return a number's text with the digits 0 to 9, whatever the script."""
    written = text(value)
    if written.isascii():
        return written
    return "".join(str(int(char)) if char.isdecimal() else char for char in written.translate(_MARKS))


def _plain_number(written: str, decimal_mark: str) -> str:
    """Drop currencies and thousands separators, and write the decimal mark as a point.

    `decimal_mark` decides what one mark and three digits after it are.
    """
    match = _MARKED.fullmatch(written)
    if not match or _multiple(match[3]):
        return ""
    sign, digits = match[1], _SPACES.sub("", match[2]).rstrip(".,")
    mark = max(digits.rfind(","), digits.rfind("."))
    is_thousands = _THOUSANDS.fullmatch(digits) and digits[mark] != decimal_mark
    if mark < 0 or digits.count(digits[mark]) > 1 or is_thousands:
        return sign + digits.replace(",", "").replace(".", "")
    return f"{sign}{digits[:mark].replace(',', '').replace('.', '')}.{digits[mark + 1 :]}"


def _multiple(after: str) -> int | None:
    """Return what the word after a number multiplies it by; None for any other word."""
    word = _WORD.match(after)
    return _MULTIPLE_OF.get(word[1].lower()) if word else None


def _digits(value: int) -> str:
    return str(value) if value.bit_length() < DIGITS_MAX * 4 else ""


def _is_sane(number: Decimal) -> bool:
    return number.is_finite() and abs(number.adjusted()) <= DIGITS_MAX and len(number.as_tuple().digits) <= DIGITS_MAX
