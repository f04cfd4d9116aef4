"""Cells: conversion between a column's texts and the values of a model's field, by the field's own rules."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, CharField, Field, TextField
from import_export.widgets import Widget

from tradepost.csv_files import escape_formula, unescape_formula
from tradepost.engine import money

YES, NO = ("yes", "true", "1", "on", "y"), ("no", "false", "0", "off", "n")

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


class FieldCell(Widget):  # type: ignore[misc] # published without types
    """A cell with a value of a model's field. An empty cell clears a text, and leaves any other value unchanged."""

    def __init__(self, field: "Field[Any, Any]") -> None:
        super().__init__()
        self._field = field
        self._cache: dict[str, Any] = {}  # most cells of a column repeat the text of another one

    def clean(self, value: Any, row: Any = None, **_: Any) -> Any:  # noqa: ARG002 - the library's signature
        """Return a cell's value. Raises `ValueError`, which the import reports with the column."""
        if value not in self._cache:
            self._cache[value] = self._parse(unescape_formula(value or ""))
        return self._cache[value]

    def _parse(self, text: str) -> Any:
        is_text = isinstance(self._field, CharField | TextField) and not self._field.choices
        if not text and not (is_text and self._field.blank):
            return None
        if isinstance(self._field, BooleanField):
            return _parse_flag(text)
        if not is_text and not self._field.choices and not _NUMBER.fullmatch(text):
            raise ValueError(f"“{text}” is no number.")
        try:
            return self._field.clean(text, None)
        except ValidationError as error:
            raise ValueError(" ".join(error.messages)) from None

    def render(self, value: Any, obj: Any = None, **_: Any) -> Any:  # noqa: ARG002 - the library's signature
        if isinstance(value, bool):
            return YES[0] if value else NO[0]
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


def _parse_flag(text: str) -> bool:
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise ValueError(f"“{text}” is neither yes nor no.")
