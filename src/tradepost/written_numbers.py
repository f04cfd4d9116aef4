"""Numbers as people and spreadsheet programs write them: `1,000`, `1 000`, `1.234,50`, `1000.0`.

One text can mean two numbers: `1,500` is 1500 where a comma groups digits, and 1.5 where it is the decimal mark. Such a
text is read only if something else decides it; otherwise `UnclearNumberError` is raised. A rate that is wrong by 1,000
costs money.
"""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from tradepost.engine.exceptions import TradepostError

MARKS = (".", ",")
NUMBER_CHARS_MAX = 60

_ARABIC_DECIMAL, _ARABIC_GROUP = "\u066b", "\u066c"
_TRANSLATED = {ord("\u2019"): "'", ord("\u2212"): "-", ord(_ARABIC_GROUP): "'"}
_GROUPED = r"[1-9][0-9]{0,2}(?P<group>[ 'OTHER])[0-9]{3}(?:(?P=group)[0-9]{3})*"
_PATTERN = rf"(?P<sign>-?)(?:(?P<whole>[0-9]+|{_GROUPED})(?:\MARK(?P<fraction>[0-9]+))?|\MARK(?P<bare>[0-9]+))"
_PATTERNS = {
    mark: re.compile(_PATTERN.replace(r"\MARK", re.escape(mark)).replace("OTHER", other))
    for mark, other in ((".", ","), (",", "."))
}
_SCIENTIFIC = re.compile(r"-?[0-9]+(?:[.,][0-9]+)?(?P<letter>[eE])[+-]?[0-9]{1,3}")


class ExactNumber(str):
    """The text of a number that a spreadsheet holds as a number: its decimal mark is a dot, and nothing is unclear."""

    __slots__ = ()


class UnclearNumberError(TradepostError):
    """The text can mean two numbers. `readings` has both."""

    def __init__(self, text: str, readings: Iterable[Decimal]) -> None:
        self.readings = [format(value.normalize(), "f") for value in sorted(readings)]
        super().__init__(f"“{text}” may mean {' or '.join(self.readings)}: write it without grouping.")


class NumberStyle(msgspec.Struct, frozen=True):
    """How the numbers of a file are written: the decimal marks that its cells show, and the one that others suggest."""

    shown: frozenset[str] = frozenset()
    suggested: str = ""

    @classmethod
    def of(cls, texts: Iterable[str], *, delimiter: str = "") -> "NumberStyle":
        """Return the style of a file by all cells of its number columns, and by its delimiter.

        Spreadsheet programs put semicolons between cells where a comma is the decimal mark.
        """
        read = (_readings(text) for text in set(texts) if not isinstance(text, ExactNumber))
        return cls(frozenset(next(iter(found)) for found in read if len(found) == 1), "," if delimiter == ";" else "")

    def decimal_mark_for(self, used: str) -> str:
        """Return the decimal mark for a text that uses `used` once before three digits; empty if nothing decides."""
        if len(self.shown) > 1:
            return ""
        shown = next(iter(self.shown), "")
        if not shown:
            return used if used == (self.suggested or ".") else ""
        return "" if used != shown and used == self.suggested else shown


def read_decimal(text: str, style: NumberStyle = NumberStyle()) -> Decimal:  # noqa: B008 - frozen
    """Return the number. Raises `UnclearNumberError`, or `ValueError` if the text is no number."""
    if isinstance(text, ExactNumber):
        return Decimal(text)
    readings = _readings(text)
    if not readings:
        raise ValueError(_no_number(text))
    values = set(readings.values())
    if len(values) == 1:
        return values.pop()
    mark = style.decimal_mark_for(_mark_in(text))
    if not mark:
        raise UnclearNumberError(text, values)
    return readings[mark]


def read_whole(text: str, style: NumberStyle = NumberStyle()) -> int:  # noqa: B008 - frozen
    """Return the whole number; `1000.0` is one. Raises `UnclearNumberError`, or `ValueError` if the text is none.

    Nobody writes a whole number with three decimals, so a comma before three digits groups them, unless a comma is the
    decimal mark of the file.
    """
    if isinstance(text, ExactNumber):
        values = {Decimal(text)}
    else:
        readings = _readings(text)
        values = set(readings.values())
        if len(values) > 1:
            used = _mark_in(text)
            is_decimal = used in (style.shown | {style.suggested}) or (used == "." and not style.shown)
            if is_decimal:
                raise UnclearNumberError(text, values)
            values = {readings["," if used == "." else "."]}
    if not values:
        raise ValueError(_no_number(text))
    value = values.pop()
    if value != value.to_integral_value():
        raise ValueError(f"“{text}” is no whole number.")
    return int(value)


def _readings(text: str) -> dict[str, Decimal]:
    """Return the number that a text means, by the decimal mark that it would be written with."""
    if not text or len(text) > NUMBER_CHARS_MAX:
        return {}
    plain = _plain(text)
    if _ARABIC_DECIMAL in plain:
        plain = plain.replace(_ARABIC_DECIMAL, ".")
        return {".": value} if (value := _read_as(plain, ".")) is not None else {}
    exponent = _SCIENTIFIC.fullmatch(plain)
    if exponent:
        return {".": Decimal(plain)} if exponent["letter"] == "e" and "," not in plain else {}
    return {mark: value for mark in MARKS if (value := _read_as(plain, mark)) is not None}


def _plain(text: str) -> str:
    """Return a text with ASCII digits, and one kind of blank, minus and apostrophe."""
    normal = unicodedata.normalize("NFKC", text).translate(_TRANSLATED).strip()
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in normal)


def _read_as(text: str, mark: str) -> Decimal | None:
    found = _PATTERNS[mark].fullmatch(text)
    if found is None:
        return None
    whole = re.sub("[^0-9]", "", found["whole"] or "0")
    fraction = found["fraction"] or found["bare"]
    return Decimal(f"{found['sign']}{whole}.{fraction}" if fraction else f"{found['sign']}{whole}")


def _mark_in(text: str) -> str:
    return "," if "," in _plain(text) else "."


def _no_number(text: str) -> str:
    if _SCIENTIFIC.fullmatch(_plain(text)):
        return f"“{text}” is how a spreadsheet shows a number that it has rounded: write all digits."
    return f"“{text}” is no number."
