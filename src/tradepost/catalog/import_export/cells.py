"""Cells: conversion between a column's texts and the values of a model's field, by the field's own rules."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, CharField, DecimalField, Field, TextField
from import_export.widgets import Widget

from tradepost.csv_files import escape_formula, unescape_formula
from tradepost.engine import money
from tradepost.engine.order_types import wire_id
from tradepost.written_numbers import NumberStyle, UnclearNumberError, read_decimal, read_whole

# As spreadsheet programs of other languages write TRUE and FALSE, and as people write yes and no.
YES = frozenset({
    "yes", "true", "1", "on", "y", "x", "✓", "ja", "wahr", "oui", "vrai", "sí", "si", "verdadero", "sim", "verdadeiro",
    "vero", "da", "да", "истина", "evet", "doğru", "tak", "prawda", "waar", "ya", "benar", "có",
})  # fmt: skip
NO = frozenset({
    "no", "false", "0", "off", "n", "nein", "falsch", "non", "faux", "falso", "não", "nao", "нет", "ложь", "hayır",
    "yanlış", "nie", "fałsz", "nee", "onwaar", "tidak", "salah", "không",
})  # fmt: skip

_AMOUNT = re.compile(r"(?P<before>\D*?)(?P<number>[.,]?\d(?:.*\d)?)(?P<after>\D*)")
_CURRENCIES = {
    "$": "USD AUD CAD NZD SGD HKD MXN ARS CLP COP", "US$": "USD", "R$": "BRL", "€": "EUR", "£": "GBP EGP", "₹": "INR",
    "RS": "INR PKR LKR", "₽": "RUB", "РУБ": "RUB", "₺": "TRY", "TL": "TRY", "¥": "JPY CNY", "₩": "KRW", "₫": "VND",
    "Đ": "VND", "₴": "UAH", "₦": "NGN", "RP": "IDR", "₱": "PHP", "฿": "THB", "₸": "KZT", "ZŁ": "PLN",
    "KR": "SEK NOK DKK",
}  # fmt: skip
_CODE = re.compile(r"[A-Z]{3}")


class FileStyle(msgspec.Struct, frozen=True):
    """How the cells of a file are written, and the currency of the desk, which amounts in the file must have."""

    numbers: NumberStyle = NumberStyle()
    currency: str = ""


class FieldCell(Widget):  # type: ignore[misc] # published without types
    """A cell with a value of a model's field. An empty cell clears a text, and leaves any other value unchanged.

    The resource sets `style` before it reads the rows.
    """

    def __init__(self, field: "Field[Any, Any]") -> None:
        super().__init__()
        self._field = field
        self._is_text = isinstance(field, CharField | TextField) and not field.choices
        self._choices = {str(value).casefold(): value for value, _ in field.choices or ()}
        self._cache: dict[tuple[type, str], Any] = {}  # most cells of a column repeat the text of another one
        self.style = FileStyle()

    @property
    def is_number(self) -> bool:
        return not (self._is_text or self._field.choices or isinstance(self._field, BooleanField))

    def clean(self, value: Any, row: Any = None, **_: Any) -> Any:  # noqa: ARG002 - the library's signature
        """Return a cell's value. Raises `ValueError`, which the import reports with the column."""
        key = type(value), value
        if key not in self._cache:
            self._cache[key] = self._parse(value or "")
        return self._cache[key]

    def _parse(self, cell: str) -> Any:
        text = cell if self.is_number else unescape_formula(cell)
        if not text and not (self._is_text and self._field.blank):
            return None
        if isinstance(self._field, BooleanField):
            return _parse_flag(text)
        try:
            return self._field.clean(self._number(text) if self.is_number else self._choice(text), None)
        except ValidationError as error:
            raise ValueError(" ".join(error.messages)) from None

    def _number(self, text: str) -> str:
        if isinstance(self._field, DecimalField):
            amount = _amount_in(text, self.style.currency)
            return format(read_decimal(amount, self.style.numbers).normalize(), "f")
        return str(read_whole(text, self.style.numbers))

    def _choice(self, text: str) -> str:
        return str(self._choices.get(text.casefold(), text))

    def render(self, value: Any, obj: Any = None, **_: Any) -> Any:  # noqa: ARG002 - the library's signature
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Decimal):
            return Decimal(money.show(value))
        return value if isinstance(value, int) else escape_formula(str(value))


class NameCell(Widget):  # type: ignore[misc] # published without types
    """A cell that names a row of another table. The resource fills `ids`, by name, before it reads the rows."""

    def __init__(self, noun: str) -> None:
        super().__init__()
        self._noun = noun
        self.ids: Mapping[str, int] = {}

    def clean(self, value: Any, row: Any = None, **_: Any) -> int | None:  # noqa: ARG002 - the library's signature
        """Return the id of the row that a cell names. Raises `ValueError`, which the import reports with the column."""
        name = unescape_formula(value or "")
        if name and name not in self.ids:
            raise ValueError(f"There is no {self._noun} “{name}”.")
        return self.ids.get(name)


def cell_id(text: str) -> int | None:
    """Return the id in a cell, also if a program has written it as `12.0` or `1,234`; None if it is no id."""
    try:
        return wire_id(str(read_whole(text)))
    except (ValueError, UnclearNumberError):
        return None


def split_currency(text: str) -> tuple[str, str]:
    """Return an amount and the sign or code of the currency that stands beside it; empty if there is none."""
    found = _AMOUNT.fullmatch(text)
    sign = (found["before"].strip(" \u00a0-−") + found["after"].strip()).upper().rstrip(".") if found else ""
    if found is None or not (sign in _CURRENCIES or _CODE.fullmatch(sign)):
        return text, ""
    minus = "-" if "-" in found["before"] or "−" in found["before"] else ""
    return minus + found["number"], sign


def _amount_in(text: str, currency: str) -> str:
    """Return an amount without its currency. Raises `ValueError` if that is not the desk's."""
    amount, sign = split_currency(text)
    if sign and currency not in _CURRENCIES.get(sign, sign).split():
        raise ValueError(f"“{text}” is not in {currency}, the currency here.")
    return amount


def _parse_flag(text: str) -> bool:
    plain = text.casefold().removesuffix(".0")
    if plain in YES:
        return True
    if plain in NO:
        return False
    raise ValueError(f"“{text}” is neither yes nor no.")
