"""The overview: what an account has spent and ordered lately, in figures and charts."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, F, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tradepost.accounts.models import Account
from tradepost.catalog.models import Service
from tradepost.engine import money
from tradepost.engine.statuses import ACTIVE, Status
from tradepost.orders.models import Order
from tradepost.panel.asking import customer

DAYS = 30
NEWEST = 6
SERVICES_SHOWN = 6


class Slice(NamedTuple):
    """The orders of one day, service and status."""

    day: date
    service: int
    status: str
    orders: int
    spent: Decimal


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the last days, and the newest orders."""
    account = customer(request)
    slices = _slices(account)
    newest = Order.objects.filter(account=account, parent=None).select_related("service").order_by("-id")[:NEWEST]
    context = {
        "newest": list(newest),
        "days": DAYS,
        "spent": sum((each.spent for each in slices), Decimal(0)),
        "count": sum(each.orders for each in slices),
        "active": sum(each.orders for each in slices if each.status in ACTIVE),
        "charts": _charts(slices),
        "is_test": False,
    }
    return render(request, "panel/dashboard.html", context)


def _slices(account: Account) -> list[Slice]:
    """Count by day, service and status in one look at the account's orders."""
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    rows = (
        Order.objects.filter(account=account, parent=None, created_at__gte=since)
        .order_by()
        .values_list(TruncDate("created_at"), "service", "status")
        .annotate(orders=Count("pk"), spent=Sum(F("charge") - F("refunded")))
    )
    return [Slice(*row) for row in rows]


def _charts(slices: list[Slice]) -> dict[str, object]:
    today = timezone.localdate()
    days = [today - timedelta(days=DAYS - 1 - past) for past in range(DAYS)]
    spent: defaultdict[date, Decimal] = defaultdict(Decimal)
    counts: Counter[date] = Counter()
    for each in slices:
        spent[each.day] += each.spent
        counts[each.day] += each.orders
    return {
        "days": [day.isoformat() for day in days],
        "spent": [money.show(spent[day]) for day in days],
        "orders": [counts[day] for day in days],
        "statuses": _by_status(slices),
        "services": _by_service(slices),
        "labels": {"spent": _("Spent"), "orders": _("Orders"), "currency": settings.TRADEPOST_CURRENCY},
    }


def _by_status(slices: list[Slice]) -> list[dict[str, object]]:
    counts = Counter[str]()
    for each in slices:
        counts[each.status] += each.orders
    return [{"status": s.value, "name": _(s.value), "count": counts[s]} for s in Status if counts[s]]


def _by_service(slices: list[Slice]) -> list[dict[str, object]]:
    """Return what was spent on the services that most was spent on, and on all others."""
    spent: dict[int, Decimal] = {}
    for each in slices:
        spent[each.service] = spent.get(each.service, Decimal(0)) + each.spent
    most = sorted(spent.items(), key=lambda pair: -pair[1])
    names = dict(
        Service.objects.filter(pk__in=[id_ for id_, _spent in most[:SERVICES_SHOWN]]).values_list("pk", "name")
    )
    shown: list[dict[str, object]] = [
        {"name": names[id_], "spent": money.show(sum_)} for id_, sum_ in most[:SERVICES_SHOWN]
    ]
    rest = sum((sum_ for _id, sum_ in most[SERVICES_SHOWN:]), Decimal(0))
    return [*shown, {"name": _("Others"), "spent": money.show(rest)}] if rest else shown
