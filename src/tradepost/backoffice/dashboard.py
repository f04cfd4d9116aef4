"""The first page of the back office: today's orders and money, what is under way, and the newest orders.

Each figure costs what happened today or what is active, never what the tables hold; and none may take long.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from tradepost.backoffice import alarms, showing, times
from tradepost.engine.ledger import Kind, SystemAccount
from tradepost.engine.statuses import ACTIVE, Dispatch, Status
from tradepost.ledger.models import Transfer
from tradepost.live import settings as live
from tradepost.orders.models import IS_ACTIVE, Order

SECONDS_MAX = 2  # then the page comes without the figures: no glance at it may burden the database
NEWEST_ORDERS = 10

type Figure = dict[str, str]


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Give the template what this member of staff may see."""
    start = times.today()
    context |= {"today": start, "alarms": []}
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS_MAX}s"])
            _fill(request, context, start)
    except OperationalError:
        context["is_too_slow"] = True
    return context


def _fill(request: HttpRequest, context: dict[str, Any], start: datetime) -> None:
    context["alarms"] = alarms.of(request)
    may_see_orders = request.user.has_perm("orders.view_order")
    if may_see_orders:
        newest = Order.objects.select_related("account__test_of", "service")[:NEWEST_ORDERS]
        context["newest"] = [
            {"order": order, "status": showing.status(order.status), "charge": showing.amount(order.charge)}
            for order in newest
        ]
        context["active"] = _active()
    figures = [_orders_today(start)] if may_see_orders else []
    if request.user.has_perm("ledger.view_transfer"):
        figures += _money_today(start, live.of(request).currency)
    context["figures"] = figures


def _orders_today(start: datetime) -> Figure:
    count = times.between(_ordered(), "created_at", start).count()
    return {"title": "Orders today", "value": f"{count:,}", "link": _list("orders_order", created_at_from=_day(start))}


def _money_today(start: datetime, unit: str) -> list[Figure]:
    """Sum what was charged and what was given back; top-ups and corrections are neither, and play money is nothing."""
    charges = Q(kind=Kind.CHARGE.value, credit=SystemAccount.SALES.value)
    refunds = Q(kind__in=[Kind.PARTIAL.value, Kind.CANCEL.value, Kind.UNUSED.value], debit=SystemAccount.SALES.value)
    sums = times.between(Transfer.objects.order_by(), "at", start).aggregate(
        charged=Sum("amount", filter=charges, default=Decimal(0)),
        refunded=Sum("amount", filter=refunds, default=Decimal(0)),
    )
    link = {"at_from": _day(start)}
    return [
        {
            "title": "Charged today",
            "value": showing.grouped(sums["charged"]),
            "unit": unit,
            "link": _list("ledger_transfer", kind__exact=Kind.CHARGE.value, **link),
        },
        {
            "title": "Refunded today",
            "value": showing.grouped(sums["refunded"]),
            "unit": unit,
            "link": _list("ledger_transfer", **link),
        },
    ]


def _active() -> list[dict[str, Any]]:
    """Count the active orders by status, and those whose upstream left us unsure."""
    counts = _ordered().filter(IS_ACTIVE).aggregate(
        **{status.name: Count("pk", filter=Q(status=status.value)) for status in ACTIVE},
        unsure=Count("pk", filter=Q(dispatch=Dispatch.UNSURE.value)),
    )  # fmt: skip
    rows = [
        {"badge": showing.status(status), "count": f"{counts[status.name]:,}", "link": _with_status(status)}
        for status in ACTIVE
    ]
    unsure = {
        "badge": showing.badge("unsure", "danger"),
        "count": f"{counts['unsure']:,}",
        "link": alarms.waiting_list(Dispatch.UNSURE),
    }
    return [*rows, unsure] if counts["unsure"] else rows


def _ordered() -> QuerySet[Order]:
    """Return what customers have ordered: not what keys for tests have, and runs and posts with what they belong to."""
    return Order.objects.order_by().filter(account__test_of=None, parent=None)


def _with_status(status: Status) -> str:
    return _list("orders_order", status__exact=status.value)


def _list(name: str, **parameters: str) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(parameters)}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
