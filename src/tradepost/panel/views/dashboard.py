"""The overview: what a customer has spent and ordered in the last days, in figures and charts."""

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


class OrderTotals(NamedTuple):
    """The orders of one day and status; or the orders of one service, on all days (`day` and `status` are None)."""

    day: date | None
    status: str | None
    service: int | None
    orders: int
    spent: Decimal


# One pass over the orders serves all charts. Ids rise with time, so the period begins after the account's last order
# before it.
_TOTALS = """
SELECT (created_at AT TIME ZONE %(zone)s)::date AS day, status, service_id, count(*), sum(charge - refunded)
FROM orders_order
WHERE account_id = %(account)s AND parent_id IS NULL AND created_at >= %(since)s
  AND id > coalesce((SELECT id FROM orders_order WHERE account_id = %(account)s AND created_at < %(since)s
                     ORDER BY id DESC LIMIT 1), 0)
GROUP BY GROUPING SETS ((day, status), (service_id))
"""


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    account = customer(request)
    all_totals = _totals(account)
    totals = [row for row in all_totals if row.day]
    newest = Order.objects.filter(account=account, parent=None).select_related("service").order_by("-id")[:NEWEST]
    spent = sum((row.spent for row in totals), Decimal(0))
    context = {
        "newest": list(newest),
        "days": DAYS,
        "spent": spent,
        "count": sum(row.orders for row in totals),
        "active": sum(row.orders for row in totals if row.status in ACTIVE),
        "charts": {
            **_by_day(totals, site_settings.for_request(request).currency),
            "statuses": _by_status(totals),
            "services": _by_service([row for row in all_totals if row.service]),
        },
    }
    return render(request, "panel/dashboard.html", context)


def _totals(account: Account) -> list[OrderTotals]:
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    zone = timezone.get_current_timezone_name()
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"zone": zone, "account": account.pk, "since": since})
        return [OrderTotals(*row) for row in cursor.fetchall()]


def _by_day(totals: list[OrderTotals], currency: str) -> dict[str, object]:
    today = timezone.localdate()
    days = [today - timedelta(days=DAYS - 1 - past) for past in range(DAYS)]
    spent: defaultdict[date | None, Decimal] = defaultdict(Decimal)
    counts: Counter[date | None] = Counter()
    for row in totals:
        spent[row.day] += row.spent
        counts[row.day] += row.orders
    return {
        "days": [day.isoformat() for day in days],
        "spent": [money.show(spent[day]) for day in days],
        "orders": [counts[day] for day in days],
        "labels": {"spent": _("Spent"), "orders": _("Orders"), "currency": currency},
    }


def _by_status(totals: list[OrderTotals]) -> list[dict[str, object]]:
    counts = Counter[str | None]()
    for row in totals:
        counts[row.status] += row.orders
    return [
        {"status": status.value, "name": _(status.value), "count": counts[status]}
        for status in Status
        if counts[status]
    ]


def _by_service(totals: list[OrderTotals]) -> list[dict[str, object]]:
    """Return the amounts spent on the top services, and on all others together."""
    ranked = sorted(totals, key=lambda row: -row.spent)
    top, others = ranked[:SERVICES_SHOWN], ranked[SERVICES_SHOWN:]
    names = dict(Service.objects.filter(pk__in=[row.service for row in top]).values_list("pk", "name"))
    amounts = [(names[row.service], row.spent) for row in top if row.service in names]
    if others:
        amounts.append((_("Others"), sum((row.spent for row in others), Decimal(0))))
    return [{"name": name, "spent": money.show(spent)} for name, spent in amounts]
