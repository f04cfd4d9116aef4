"""Reading single values in every form that panels write them in (docs/protocol.md §5).

Each function takes whatever JSON holds and returns a value or None; none of them raises.
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
    """Return a value as text; what is no single value has none."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Decimal):
        return format(value, "f") if _is_sane(value) else str(value)
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else _digits(value)


def raw(value: Json) -> str:
    """Return a value as it could have been sent, for people to read."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)[:TEXT_CHARS_MAX]
    except (ValueError, RecursionError):  # more digits or deeper than Python prints
        return "…"


def amount(value: Json) -> Decimal | None:
    """Return an amount: a number, "1,234.56", "1.234,56", "$ 12.5", "12.5 USD" or the like."""
    if isinstance(value, Decimal):
        return value if _is_sane(value) else None
    written = "" if isinstance(value, bool) else text(value).replace("\u2212", "-")
    if len(written) > AMOUNT_CHARS_MAX:
        return None
    if not _PLAIN.fullmatch(written):
        written = _plain(written)
    number = Decimal(written or "NaN")
    return number if _is_sane(number) else None


def whole(value: Json) -> int | None:
    """Return a whole number, negative ones included; "100.00" is one, "100.5" is none."""
    number = amount(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def flag(value: Json) -> bool:
    """Return whether a value says yes, in any of the ways to say it."""
    return text(value).lower() in _YES


def id_(value: Json) -> Id | None:
    """Return an id: never zero, negative or empty, and never what could be no id at all."""
    if isinstance(value, bool):
        return None
    written = text(value)
    if isinstance(value, Decimal):
        number = whole(value)
        return number if number and number > 0 else None
    if not _ID.fullmatch(written) or len(written) > ID_CHARS_MAX or not any(each.isdigit() for each in written):
        return None  # "null" and "error" are none
    if not written.isdigit():
        return written
    if not written.strip("0"):
        return None
    return written if written[0] == "0" else int(written)


def currency(value: Json) -> str:
    """Return the currency that an amount is written with: its sign's or its three letters'; else nothing."""
    written = text(value)
    code = _CODE.search(written)
    if code:
        return code[0]
    return next((name for sign, name in _CURRENCIES.items() if sign in written), "")


def _plain(written: str) -> str:
    """Drop signs and letters of currencies and marks between thousands; leave a point as the decimal mark."""
    found = _MARKED.fullmatch(written)
    if not found:
        return ""
    sign, digits = found[1], _SPACES.sub("", found[2]).rstrip(".,")
    mark = max(digits.rfind(","), digits.rfind("."))
    if mark < 0 or digits.count(digits[mark]) > 1 or _THOUSANDS.fullmatch(digits):
        return sign + digits.replace(",", "").replace(".", "")
    return f"{sign}{digits[:mark].replace(',', '').replace('.', '')}.{digits[mark + 1 :]}"


def _digits(value: int) -> str:
    return str(value) if value.bit_length() < DIGITS_MAX * 4 else ""


def _is_sane(number: Decimal) -> bool:
    return number.is_finite() and abs(number.adjusted()) <= DIGITS_MAX and len(number.as_tuple().digits) <= DIGITS_MAX
