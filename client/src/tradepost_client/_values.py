"""Parsing of single values, in every form in which panels write them (docs/protocol.md §5).

Each function takes any JSON value. None of them raises: a value that can't be parsed is None, empty or False.
"""

import json
import re
from decimal import Decimal

from tradepost_client._json import Json
from tradepost_client._results import Id

DIGITS_MAX = 30  # more than any amount or count has
TEXT_CHARS_MAX = 2_000
ID_CHARS_MAX = 200
AMOUNT_CHARS_MAX = 100

_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_MARKED = re.compile(r"[^0-9-]*(-?)[^0-9-]*([0-9][0-9., '\u00a0\u202f]*)[^0-9-]*")
_SPACES = re.compile(r"[ '\u00a0\u202f]")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]*", re.ASCII)
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "₽": "RUB", "₹": "INR", "₺": "TRY", "₴": "UAH", "₦": "NGN"}
_CODE = re.compile(r"\b[A-Z]{3}\b")
_YES = frozenset({"1", "true", "yes", "on", "y"})


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


def amount(value: Json) -> Decimal | None:
    """Parse an amount, such as a number, "1,234.56", "1.234,56", "$ 12.5" or "12.5 USD"."""
    if isinstance(value, Decimal):
        return value if _is_sane(value) else None
    written = "" if isinstance(value, bool) else text(value).replace("\u2212", "-")
    if len(written) > AMOUNT_CHARS_MAX:
        return None
    if not _PLAIN.fullmatch(written):
        written = _plain_number(written)
    number = Decimal(written or "NaN")
    return number if _is_sane(number) else None


def whole(value: Json) -> int | None:
    """Parse a whole number, which may be negative. "100.00" is a whole number, "100.5" isn't."""
    number = amount(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def flag(value: Json) -> bool:
    """Return whether a value means yes (see `_YES`)."""
    return text(value).lower() in _YES


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


def _plain_number(written: str) -> str:
    """Drop currencies and thousands separators, and write the decimal mark as a point."""
    match = _MARKED.fullmatch(written)
    if not match:
        return ""
    sign, digits = match[1], _SPACES.sub("", match[2]).rstrip(".,")
    mark = max(digits.rfind(","), digits.rfind("."))
    if mark < 0 or digits.count(digits[mark]) > 1 or _THOUSANDS.fullmatch(digits):
        return sign + digits.replace(",", "").replace(".", "")
    return f"{sign}{digits[:mark].replace(',', '').replace('.', '')}.{digits[mark + 1 :]}"


def _digits(value: int) -> str:
    return str(value) if value.bit_length() < DIGITS_MAX * 4 else ""


def _is_sane(number: Decimal) -> bool:
    return number.is_finite() and abs(number.adjusted()) <= DIGITS_MAX and len(number.as_tuple().digits) <= DIGITS_MAX
