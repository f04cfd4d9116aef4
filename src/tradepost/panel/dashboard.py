"""The overview: what an account has spent and ordered lately, in figures and charts."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tradepost.accounts.models import Account
from tradepost.engine import money
from tradepost.engine.statuses import ACTIVE, Status
from tradepost.orders.models import Order
from tradepost.panel.asking import customer

DAYS = 30
NEWEST = 6
SPENT = Sum(F("charge") - F("refunded"))
SERVICES_SHOWN = 6


class Slice(NamedTuple):
    """The orders of one day and status."""

    day: date
    status: str
    orders: int
    spent: Decimal


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the last days, and the newest orders."""
    account = customer(request)
    recent = _recent(account)
    slices = _slices(recent)
    newest = Order.objects.filter(account=account, parent=None).select_related("service").order_by("-id")[:NEWEST]
    spent = sum((each.spent for each in slices), Decimal(0))
    context = {
        "newest": list(newest),
        "days": DAYS,
        "spent": spent,
        "count": sum(each.orders for each in slices),
        "active": sum(each.orders for each in slices if each.status in ACTIVE),
        "charts": {**_by_day(slices), "statuses": _by_status(slices), "services": _by_service(recent, spent)},
    }
    return render(request, "panel/dashboard.html", context)


def _recent(account: Account) -> QuerySet[Order]:
    """Return the orders of the last days. Ids rise with time: the last order before says where those begin."""
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    own = Order.objects.filter(account=account)
    before = own.filter(created_at__lt=since).order_by("-id").values_list("pk", flat=True).first() or 0
    return own.filter(parent=None, pk__gt=before, created_at__gte=since).order_by()


def _slices(recent: QuerySet[Order]) -> list[Slice]:
    rows = recent.values_list(TruncDate("created_at"), "status").annotate(orders=Count("pk"), spent=SPENT)
    return [Slice(*row) for row in rows]


def _by_day(slices: list[Slice]) -> dict[str, object]:
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
        "labels": {"spent": _("Spent"), "orders": _("Orders"), "currency": settings.TRADEPOST_CURRENCY},
    }


def _by_status(slices: list[Slice]) -> list[dict[str, object]]:
    counts = Counter[str]()
    for each in slices:
        counts[each.status] += each.orders
    return [{"status": s.value, "name": _(s.value), "count": counts[s]} for s in Status if counts[s]]


def _by_service(recent: QuerySet[Order], total: Decimal) -> list[dict[str, object]]:
    """Return what was spent on the services that most was spent on, and on all others."""
    most = list(recent.values_list("service__name").annotate(spent=SPENT).order_by("-spent")[:SERVICES_SHOWN])
    rest = total - sum((spent for _name, spent in most), Decimal(0))
    if rest:
        most.append((_("Others"), rest))
    return [{"name": name, "spent": money.show(spent)} for name, spent in most]
