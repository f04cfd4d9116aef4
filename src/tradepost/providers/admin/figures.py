"""How costs, and decimals that are typed, are written."""

from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Field

from tradepost.backoffice import showing
from tradepost.catalog.admin import RateField


def plainly(db_field: "Field[Any, Any]", kwargs: dict[str, Any]) -> dict[str, Any]:
    """Have a form write decimals without the zeros that fill them up."""
    return {**kwargs, "form_class": RateField} if isinstance(db_field, DecimalField) else kwargs


def written_cost(cost: Decimal) -> str:
    """Write what 1,000 cost, as far as rates go."""
    return showing.amount(round(cost, 7))
