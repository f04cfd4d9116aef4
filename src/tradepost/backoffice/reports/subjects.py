"""Names and links of the rows of a report."""

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
from tradepost.reports.queries import By

_MODELS: Mapping[By, type[Model]] = {
    By.SERVICE: Service,
    By.CATEGORY: Category,
    By.PROVIDER: Provider,
    By.ACCOUNT: Account,
}

# The filter of the order list for each kind of row.
_FILTERS = {
    By.SERVICE: "service__id__exact",
    By.CATEGORY: "service__category__id__exact",
    By.PROVIDER: "provider",
    By.ACCOUNT: "account__id__exact",
}

# The permissions it takes to see the rows of each kind.
PERMISSIONS = {
    By.DAY: (),
    By.SERVICE: ("catalog.view_service",),
    By.CATEGORY: ("catalog.view_category",),
    By.PROVIDER: ("providers.view_provider",),
    By.ACCOUNT: ("accounts.view_account",),
}


def subject_names(by: By, subjects: Sequence[Any]) -> dict[Any, str]:
    if by is By.DAY:
        return {day: f"{day:%Y-%m-%d}" for day in subjects}
    return {pk: str(row) for pk, row in _MODELS[by]._default_manager.in_bulk(subjects).items()}  # noqa: SLF001


def orders_url(by: By, subject: Any, period: Period) -> str:
    """Return the URL of the orders that a row sums up."""
    first, last = (subject, subject) if isinstance(subject, date) else (period.first, period.last)
    days = {"created_at_from": f"{first:%Y-%m-%d}", "created_at_to": f"{last:%Y-%m-%d}"}
    filters = {_FILTERS[by]: subject} if by in _FILTERS else {}
    return f"{reverse('admin:orders_order_changelist')}?{urlencode(filters | days)}"
