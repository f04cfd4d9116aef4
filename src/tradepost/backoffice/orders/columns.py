"""Which columns of the list of orders each member of staff sees."""

from collections.abc import Sequence
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from tradepost.orders.models import Attempt, ShownColumns

FIRST = "id"  # always there: it leads to the order
AT_FIRST = (
    "account", "sold", "short_link", "quantity", "charged", "status_shown", "dispatch_shown", "remains", "created",
)  # fmt: skip
NAMES = {
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
OF_PROVIDERS = ("provider", "upstream_id")  # for those who may see providers


def offered(request: HttpRequest) -> dict[str, str]:
    """Return the columns that one may choose from, each with how it is called."""
    may_see = request.user.has_perm("providers.view_provider")
    return {name: title for name, title in NAMES.items() if may_see or name not in OF_PROVIDERS}


def shown(request: HttpRequest) -> list[str]:
    """Return the columns that one has chosen, in the order that they stand in."""
    chosen = ShownColumns.objects.filter(account=request.user.pk).values_list("names", flat=True).first()
    return [FIRST, *(name for name in offered(request) if name in (chosen or AT_FIRST))]


def choose(request: HttpRequest, names: list[str]) -> None:
    """Remember what one wants to see; nothing at all stands for what is shown at first."""
    known = [name for name in offered(request) if name in names]
    if known:
        assert request.user.pk, "nobody gets here without signing in"
        ShownColumns.objects.update_or_create(account_id=request.user.pk, defaults={"names": known})
    else:
        ShownColumns.objects.filter(account=request.user.pk).delete()


def annotated(rows: QuerySet[Any], names: Sequence[Any]) -> QuerySet[Any]:
    """Take along what a column shows that is no part of an order."""
    if not set(OF_PROVIDERS).intersection(names):
        return rows
    last = Attempt.objects.filter(order=OuterRef("pk")).order_by("-number")
    with_them: QuerySet[Any] = rows.annotate(
        last_provider=Subquery(last.values("provider__name")[:1]),
        last_upstream_id=Subquery(last.values("upstream_id")[:1]),
    )
    return with_them
