"""Names and links of the rows of a report."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode

from tradepost import formats
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

# The filter of the order list for each kind of row.
_FILTERS = {
    GroupBy.SERVICE: "service__id__exact",
    GroupBy.CATEGORY: "service__category__id__exact",
    GroupBy.PROVIDER: "provider",
    GroupBy.ACCOUNT: "account__id__exact",
}

# The permissions it takes to see the rows of each kind.
PERMISSIONS = {
    GroupBy.DAY: (),
    GroupBy.SERVICE: ("catalog.view_service",),
    GroupBy.CATEGORY: ("catalog.view_category",),
    GroupBy.PROVIDER: ("providers.view_provider",),
    GroupBy.ACCOUNT: ("accounts.view_account",),
}


def subject_names(by: GroupBy, subjects: Sequence[Any]) -> dict[Any, str]:
    if by is GroupBy.DAY:
        return {day: formats.day(day) for day in subjects}
    return {pk: str(row) for pk, row in _MODELS[by]._default_manager.in_bulk(subjects).items()}  # noqa: SLF001


def orders_url(by: GroupBy, subject: Any, period: Period) -> str:
    """Return the URL of the orders that a row sums up."""
    first, last = (subject, subject) if isinstance(subject, date) else (period.first, period.last)
    days = {"created_at_from": first.isoformat(), "created_at_to": last.isoformat()}
    filters = {_FILTERS[by]: subject} if by in _FILTERS else {}
    return f"{reverse('admin:orders_order_changelist')}?{urlencode(filters | days)}"
