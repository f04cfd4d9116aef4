"""Orders as CSV, sent as they are read: however many there are, a thousand at a time are in memory."""

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from tradepost.engine import money
from tradepost.orders.admin import columns
from tradepost.orders.models import Order

BATCH = 1_000
EXPORTED_MAX = 1_000_000
HEAD = (
    "order", "created", "account", "service", "name", "link", "quantity", "rate", "charge", "refunded", "status",
    "dispatch", "start_count", "remains", "mode", "part_of",
)  # fmt: skip
OF_PROVIDERS = ("provider", "upstream_id")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would reckon what a customer has typed


class _Line:
    """What `csv` writes to: hands back what it is given."""

    def write(self, line: str) -> str:
        return line


def answer(request: HttpRequest, orders: QuerySet[Order]) -> StreamingHttpResponse:
    """Send orders as a file, the newest first, up to a million."""
    with_provider = request.user.has_perm("providers.view_provider")
    return StreamingHttpResponse(
        _lines(orders, with_provider=with_provider),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="orders-{timezone.now():%Y-%m-%d-%H%M}.csv"'},
    )


def _lines(orders: QuerySet[Order], *, with_provider: bool) -> Iterator[str]:
    writer = csv.writer(_Line())
    more = OF_PROVIDERS if with_provider else ()
    yield writer.writerow([*HEAD, *more])
    for order in _read(orders, with_provider=with_provider):
        yield writer.writerow([_safe(value) for value in _row(order, with_provider=with_provider)])


def _read(orders: QuerySet[Order], *, with_provider: bool) -> Iterator[Order]:
    """Read a batch at a time, each from where the one before ended: no cursor is held open for a slow reader."""
    read, last = 0, None
    while read < EXPORTED_MAX:
        rest = orders if last is None else orders.filter(pk__lt=last)
        ids = list(rest.order_by("-pk").values_list("pk", flat=True)[:BATCH])
        batch = Order.objects.filter(pk__in=ids).select_related("account__test_of", "service").order_by("-pk")
        yield from columns.annotated(batch, OF_PROVIDERS if with_provider else ())
        if len(ids) < BATCH:
            return
        read, last = read + BATCH, ids[-1]


def _row(order: Order, *, with_provider: bool) -> tuple[Any, ...]:
    there = (getattr(order, "last_provider", ""), getattr(order, "last_upstream_id", "")) if with_provider else ()
    return (
        order.pk, f"{order.created_at:%Y-%m-%dT%H:%M:%SZ}", str(order.account), order.service_id, order.service.name,
        order.aim, order.quantity, money.show(order.rate), money.show(order.charge), money.show(order.refunded),
        order.status, order.dispatch, order.start_count, order.remains, order.mode, order.parent_id, *there,
    )  # fmt: skip


def _safe(value: Any) -> Any:
    """Keep what was typed from being taken for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
