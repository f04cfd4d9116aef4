"""Which columns of the order list each user sees."""

from collections.abc import Sequence
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from tradepost.orders.models import Attempt, ShownColumns

ORDER_COLUMN = "id"  # always shown: it links to the order
DEFAULT_COLUMNS = (
    "account", "sold", "short_link", "quantity", "charged", "status_shown", "dispatch_shown", "remains", "created",
)  # fmt: skip
COLUMN_TITLES = {
    "account": "Account",
    "sold": "Service",
    "category": "Category",
    "short_link": "Link",
    "quantity": "Quantity",
    "charged": "Charge",
    "given_back": "Refunded",
    "rate_shown": "Rate",
    "status_shown": "Status",
    "dispatch_shown": "Dispatch",
    "provider": "Provider",
    "upstream_id": "Id at the provider",
    "start_count": "Start count",
    "remains": "Remains",
    "mode": "Mode",
    "parent": "Part of",
    "created": "Created",
    "updated": "Updated",
}
PROVIDER_COLUMNS = ("provider", "upstream_id")  # for users who may view providers


def available_columns(request: HttpRequest) -> dict[str, str]:
    """Return the columns that this user may choose, each with its title."""
    may_see = request.user.has_perm("providers.view_provider")
    return {name: title for name, title in COLUMN_TITLES.items() if may_see or name not in PROVIDER_COLUMNS}


def chosen_columns(request: HttpRequest) -> list[str]:
    """Return the columns that this user has chosen, in the order of `COLUMN_TITLES`."""
    chosen = ShownColumns.objects.filter(account=request.user.pk).values_list("names", flat=True).first()
    return [ORDER_COLUMN, *(name for name in available_columns(request) if name in (chosen or DEFAULT_COLUMNS))]


def save_columns(request: HttpRequest, names: list[str]) -> None:
    """Save the chosen columns of this user. Choosing none restores the default columns."""
    chosen = [name for name in available_columns(request) if name in names]
    if chosen:
        assert request.user.pk, "the page requires sign-in"
        ShownColumns.objects.update_or_create(account_id=request.user.pk, defaults={"names": chosen})
    else:
        ShownColumns.objects.filter(account=request.user.pk).delete()


def with_provider_columns(rows: QuerySet[Any], names: Sequence[Any]) -> QuerySet[Any]:
    """Add the last attempt's provider and its order id there, if a column shows them."""
    if not set(PROVIDER_COLUMNS).intersection(names):
        return rows
    last = Attempt.objects.filter(order=OuterRef("pk")).order_by("-number")
    annotated: QuerySet[Any] = rows.annotate(
        last_provider=Subquery(last.values("provider__name")[:1]),
        last_upstream_id=Subquery(last.values("upstream_id")[:1]),
    )
    return annotated
