"""What the rows of a report are called, and where they lead to."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode

from tradepost.accounts.models import Account
from tradepost.catalog.models import Category, Service
from tradepost.providers.models import Provider
from tradepost.reports.periods import Period
from tradepost.reports.queries import GroupBy

_MODELS: Mapping[GroupBy, type[Model]] = {
    GroupBy.SERVICE: Service,
    GroupBy.CATEGORY: Category,
    GroupBy.PROVIDER: Provider,
    GroupBy.ACCOUNT: Account,
}

# By what the list of orders is narrowed down.
_FILTERS = {
    GroupBy.SERVICE: "service__id__exact",
    GroupBy.CATEGORY: "service__category__id__exact",
    GroupBy.PROVIDER: "provider",
    GroupBy.ACCOUNT: "account__id__exact",
}

# The app and the right to see what the names are of.
VIEWS = {
    GroupBy.DAY: (),
    GroupBy.SERVICE: ("catalog.view_service",),
    GroupBy.CATEGORY: ("catalog.view_category",),
    GroupBy.PROVIDER: ("providers.view_provider",),
    GroupBy.ACCOUNT: ("accounts.view_account",),
}


def names(by: GroupBy, subjects: Sequence[Any]) -> dict[Any, str]:
    """Return what subjects are called."""
    if by is GroupBy.DAY:
        return {day: f"{day:%Y-%m-%d}" for day in subjects}
    return {pk: str(found) for pk, found in _MODELS[by]._default_manager.in_bulk(subjects).items()}  # noqa: SLF001


def orders_of(by: GroupBy, subject: Any, period: Period) -> str:
    """Return the address of the orders that are behind a row."""
    first, last = (subject, subject) if isinstance(subject, date) else (period.first, period.last)
    days = {"created_at_from": f"{first:%Y-%m-%d}", "created_at_to": f"{last:%Y-%m-%d}"}
    narrowed = {_FILTERS[by]: subject} if by in _FILTERS else {}
    return f"{reverse('admin:orders_order_changelist')}?{urlencode(narrowed | days)}"
