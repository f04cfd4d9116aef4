"""Orders as CSV, streamed: only a thousand orders at a time are in memory.

An export holds a thread of the pages until it is sent. So only a few run at a time, and each reads in batches that the
database answers quickly.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from threading import Lock
from typing import Any
from weakref import WeakSet

from django.contrib import messages
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from tradepost import csv_files
from tradepost.backoffice.orders import columns
from tradepost.backoffice.orders.search_window import SearchWindow
from tradepost.engine import money
from tradepost.orders.models import Order

BATCH = 1_000
EXPORTED_MAX = 1_000_000
OPEN_EXPORTS_MAX = 2  # per process: customers' pages need the other threads
BATCH_TIMEOUT = timedelta(seconds=30)  # of a query: an export that breaks off is better than one that hangs
HEAD = (
    "order", "created", "account", "service", "name", "link", "quantity", "rate", "charge", "refunded", "status",
    "dispatch", "start_count", "remains", "mode", "part_of",
)  # fmt: skip
PROVIDER_HEAD = ("provider", "upstream_id")


class _ExportResponse(StreamingHttpResponse):
    """An export that counts as open until it is closed or garbage-collected."""

    def close(self) -> None:
        """Make room for the next export."""
        _open_exports.discard(self)
        super().close()


_open_exports: WeakSet[_ExportResponse] = WeakSet()
_open_exports_lock = Lock()


def export_response(
    request: HttpRequest, orders: QuerySet[Order], windows: Iterable[SearchWindow] = (SearchWindow(),)
) -> HttpResponseBase:
    """Stream the orders of these windows, newest first, up to `EXPORTED_MAX`. Redirect if too many exports are open."""
    with_provider = request.user.has_perm("providers.view_provider")
    file = _ExportResponse(
        _lines(orders, windows, with_provider=with_provider),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="orders-{timezone.now():%Y-%m-%d-%H%M}.csv"'},
    )
    with _open_exports_lock:
        if len(_open_exports) < OPEN_EXPORTS_MAX:
            _open_exports.add(file)
            return file
    messages.warning(
        request, f"{OPEN_EXPORTS_MAX} lists are being exported already. Try again once one of them is done."
    )
    return redirect("admin:orders_order_changelist")


def _lines(orders: QuerySet[Order], windows: Iterable[SearchWindow], *, with_provider: bool) -> Iterator[str]:
    orders_found = (
        order for window in windows for order in _orders_in_batches(window.narrow(orders), with_provider=with_provider)
    )
    rows = (_row(order, with_provider=with_provider) for order in islice(orders_found, EXPORTED_MAX))
    return csv_files.lines([*HEAD, *(PROVIDER_HEAD if with_provider else ())], rows)


def _orders_in_batches(orders: QuerySet[Order], *, with_provider: bool) -> Iterator[Order]:
    """Read each batch from where the last one ended. No cursor stays open for a slow reader."""
    remaining = orders
    while batch := _batch(remaining, with_provider=with_provider):
        yield from batch
        if len(batch) < BATCH:
            return
        remaining = orders.filter(pk__lt=batch[-1].pk)


def _batch(orders: QuerySet[Order], *, with_provider: bool) -> list[Order]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{BATCH_TIMEOUT.total_seconds():.0f}s"])
        ids = list(orders.order_by("-pk").values_list("pk", flat=True)[:BATCH])
        batch = Order.objects.filter(pk__in=ids).select_related("account__test_of", "service").order_by("-pk")
        return list(columns.with_provider_columns(batch, PROVIDER_HEAD if with_provider else ()))


def _row(order: Order, *, with_provider: bool) -> tuple[Any, ...]:
    provider_cells = (
        (getattr(order, "last_provider", ""), getattr(order, "last_upstream_id", "")) if with_provider else ()
    )
    return (
        order.pk, f"{order.created_at:%Y-%m-%dT%H:%M:%SZ}", str(order.account), order.service_id, order.service.name,
        order.aim, order.quantity, money.show(order.rate), money.show(order.charge), money.show(order.refunded),
        order.status, order.dispatch, order.start_count, order.remains, order.mode, order.parent_id, *provider_cells,
    )  # fmt: skip
