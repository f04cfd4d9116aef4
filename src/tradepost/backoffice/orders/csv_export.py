"""Orders as CSV, sent as they are read: however many there are, a thousand at a time are in memory.

A file holds a thread of the pages for as long as it is sent. So there are few at a time, and each reads in stretches
that the database answers soon.
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
AT_ONCE_MAX = 2  # a process: the customers' pages need the other threads
BATCH_TIMEOUT = timedelta(seconds=30)  # of a statement: a file that is cut off is better than one that holds on
HEAD = (
    "order", "created", "account", "service", "name", "link", "quantity", "rate", "charge", "refunded", "status",
    "dispatch", "start_count", "remains", "mode", "part_of",
)  # fmt: skip
OF_PROVIDERS = ("provider", "upstream_id")


class _File(StreamingHttpResponse):
    """A file that counts as being sent until it is closed, or nobody holds it any more."""

    def close(self) -> None:
        """Make room for the next."""
        _sent.discard(self)
        super().close()


_sent: WeakSet[_File] = WeakSet()
_counting = Lock()


def answer(
    request: HttpRequest, orders: QuerySet[Order], walks: Iterable[SearchWindow] = (SearchWindow(),)
) -> HttpResponseBase:
    """Send the orders of these walks as a file, the newest first, up to a million; or say that others are."""
    with_provider = request.user.has_perm("providers.view_provider")
    file = _File(
        _lines(orders, walks, with_provider=with_provider),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="orders-{timezone.now():%Y-%m-%d-%H%M}.csv"'},
    )
    with _counting:
        if len(_sent) < AT_ONCE_MAX:
            _sent.add(file)
            return file
    messages.warning(request, f"{AT_ONCE_MAX} lists are being exported already. Try again once one of them is done.")
    return redirect("admin:orders_order_changelist")


def _lines(orders: QuerySet[Order], walks: Iterable[SearchWindow], *, with_provider: bool) -> Iterator[str]:
    found = (order for walk in walks for order in _read(walk.narrow(orders), with_provider=with_provider))
    rows = (_row(order, with_provider=with_provider) for order in islice(found, EXPORTED_MAX))
    return csv_files.lines([*HEAD, *(OF_PROVIDERS if with_provider else ())], rows)


def _read(orders: QuerySet[Order], *, with_provider: bool) -> Iterator[Order]:
    """Read a batch at a time, each from where the one before ended: no cursor is held open for a slow reader."""
    rest = orders
    while batch := _batch(rest, with_provider=with_provider):
        yield from batch
        if len(batch) < BATCH:
            return
        rest = orders.filter(pk__lt=batch[-1].pk)


def _batch(orders: QuerySet[Order], *, with_provider: bool) -> list[Order]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{BATCH_TIMEOUT.total_seconds():.0f}s"])
        ids = list(orders.order_by("-pk").values_list("pk", flat=True)[:BATCH])
        batch = Order.objects.filter(pk__in=ids).select_related("account__test_of", "service").order_by("-pk")
        return list(columns.annotated(batch, OF_PROVIDERS if with_provider else ()))


def _row(order: Order, *, with_provider: bool) -> tuple[Any, ...]:
    there = (getattr(order, "last_provider", ""), getattr(order, "last_upstream_id", "")) if with_provider else ()
    return (
        order.pk, f"{order.created_at:%Y-%m-%dT%H:%M:%SZ}", str(order.account), order.service_id, order.service.name,
        order.aim, order.quantity, money.show(order.rate), money.show(order.charge), money.show(order.refunded),
        order.status, order.dispatch, order.start_count, order.remains, order.mode, order.parent_id, *there,
    )  # fmt: skip
