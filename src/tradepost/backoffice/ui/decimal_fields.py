"""How rates are typed: as the API writes them."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import DecimalField, Field
from django.http import HttpRequest

from tradepost.backoffice.ui import formatters


class RateField(forms.DecimalField):
    """A rate, without the zeros that fill it up to seven places."""

    def prepare_value(self, value: Any) -> Any:
        """Write what the database gave as the API does; leave alone what was typed."""
        return formatters.amount(value) if isinstance(value, Decimal) else value


class PlainDecimalsMixin:
    """Put before a `ModelAdmin` or an inline: its forms write decimals without the zeros that fill them up."""

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """Write decimals as the API does."""
        if isinstance(db_field, DecimalField):
            kwargs["form_class"] = RateField
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc] # the admin's
