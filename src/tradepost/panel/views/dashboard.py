"""The overview: what an account has spent and ordered lately, in figures and charts."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
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
from tradepost.panel.requests import customer
from tradepost.site_settings import effective as site_settings

DAYS = 30
NEWEST = 6
SERVICES_SHOWN = 6


class Slice(NamedTuple):
    """The orders of one day and status; or, of all days together, those of one service."""

    day: date | None
    status: str | None
    service: int | None
    orders: int
    spent: Decimal


# One look at the orders for all the charts. Ids rise with time: the last order before the period says where it begins.
_SLICES = """
SELECT (created_at AT TIME ZONE %(zone)s)::date AS day, status, service_id, count(*), sum(charge - refunded)
FROM orders_order
WHERE account_id = %(account)s AND parent_id IS NULL AND created_at >= %(since)s
  AND id > coalesce((SELECT id FROM orders_order WHERE account_id = %(account)s AND created_at < %(since)s
                     ORDER BY id DESC LIMIT 1), 0)
GROUP BY GROUPING SETS ((day, status), (service_id))
"""


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the last days, and the newest orders."""
    account = customer(request)
    found = _slices(account)
    slices = [each for each in found if each.day]
    newest = Order.objects.filter(account=account, parent=None).select_related("service").order_by("-id")[:NEWEST]
    spent = sum((each.spent for each in slices), Decimal(0))
    context = {
        "newest": list(newest),
        "days": DAYS,
        "spent": spent,
        "count": sum(each.orders for each in slices),
        "active": sum(each.orders for each in slices if each.status in ACTIVE),
        "charts": {
            **_by_day(slices, site_settings.for_request(request).currency),
            "statuses": _by_status(slices),
            "services": _by_service([each for each in found if each.service]),
        },
    }
    return render(request, "panel/dashboard.html", context)


def _slices(account: Account) -> list[Slice]:
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    zone = timezone.get_current_timezone_name()
    with connection.cursor() as cursor:
        cursor.execute(_SLICES, {"zone": zone, "account": account.pk, "since": since})
        return [Slice(*row) for row in cursor.fetchall()]


def _by_day(slices: list[Slice], currency: str) -> dict[str, object]:
    today = timezone.localdate()
    days = [today - timedelta(days=DAYS - 1 - past) for past in range(DAYS)]
    spent: defaultdict[date | None, Decimal] = defaultdict(Decimal)
    counts: Counter[date | None] = Counter()
    for each in slices:
        spent[each.day] += each.spent
        counts[each.day] += each.orders
    return {
        "days": [day.isoformat() for day in days],
        "spent": [money.show(spent[day]) for day in days],
        "orders": [counts[day] for day in days],
        "labels": {"spent": _("Spent"), "orders": _("Orders"), "currency": currency},
    }


def _by_status(slices: list[Slice]) -> list[dict[str, object]]:
    counts = Counter[str | None]()
    for each in slices:
        counts[each.status] += each.orders
    return [{"status": s.value, "name": _(s.value), "count": counts[s]} for s in Status if counts[s]]


def _by_service(slices: list[Slice]) -> list[dict[str, object]]:
    """Return what was spent on the services that most was spent on, and on all others."""
    ranked = sorted(slices, key=lambda each: -each.spent)
    most, others = ranked[:SERVICES_SHOWN], ranked[SERVICES_SHOWN:]
    names = dict(Service.objects.filter(pk__in=[each.service for each in most]).values_list("pk", "name"))
    shown = [(names[each.service], each.spent) for each in most if each.service in names]
    if others:
        shown.append((_("Others"), sum((each.spent for each in others), Decimal(0))))
    return [{"name": name, "spent": money.show(spent)} for name, spent in shown]
