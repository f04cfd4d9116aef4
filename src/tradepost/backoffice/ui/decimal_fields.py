"""Form fields that write decimals as the API does: what stands in a field is sent back as it is."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import DecimalField, Field
from django.http import HttpRequest

from tradepost.engine import money


def plain_decimal(value: Decimal | None) -> str:
    """Write a decimal as it can be typed into a field and kept in a record: no symbol, no groups, every digit."""
    return "" if value is None else money.show(value)


class RateField(forms.DecimalField):
    """A rate without the zeros that fill it up to seven decimals."""

    def prepare_value(self, value: Any) -> Any:
        """Format values from the database only; leave what the user typed as it is."""
        return plain_decimal(value) if isinstance(value, Decimal) else value


class PlainDecimalsMixin:
    """Makes the forms of a `ModelAdmin` or an inline write decimals without trailing zeros."""

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, DecimalField):
            kwargs["form_class"] = RateField
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc] # defined by ModelAdmin
