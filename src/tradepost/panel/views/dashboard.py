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
from tradepost.engine.statuses import ACTIVE, Status
from tradepost.orders.models import Order
from tradepost.panel.requests import customer

DAYS = 30
NEWEST = 6
SERVICES_SHOWN = 6
LABEL_DAYS = 7  # between two labels of the chart's axis


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


class Column(NamedTuple):
    """A day in the chart. `top` and `height` are percentages of the chart's height, in whole numbers."""

    day: date
    orders: int
    spent: Decimal
    height: int

    @property
    def top(self) -> int:
        return 100 - self.height


class SpendChart(NamedTuple):
    """The spend of each day, the amounts beside the axis from the top down, and the days below it."""

    columns: list[Column]
    ticks: list[Decimal]
    labels: list[date]


class StatusCount(NamedTuple):
    status: Status
    orders: int


class ServiceSpend(NamedTuple):
    """The amount spent on a service. `percent` is its share of the largest."""

    name: str
    spent: Decimal
    percent: int


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    account = customer(request)
    all_totals = _totals(account)
    totals = [row for row in all_totals if row.day]
    newest = Order.objects.filter(account=account, parent=None).select_related("service").order_by("-id")[:NEWEST]
    chart = _chart(totals)
    context = {
        "newest": list(newest),
        "days": DAYS,
        "spent": sum((row.spent for row in totals), Decimal(0)),
        "count": sum(row.orders for row in totals),
        "active": sum(row.orders for row in totals if row.status in ACTIVE),
        "chart": chart,
        "busiest": max(chart.columns, key=lambda column: column.spent),
        "by_status": _by_status(totals),
        "by_service": _by_service([row for row in all_totals if row.service]),
    }
    return render(request, "panel/dashboard.html", context)


def _totals(account: Account) -> list[OrderTotals]:
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    zone = timezone.get_current_timezone_name()
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, {"zone": zone, "account": account.pk, "since": since})
        return [OrderTotals(*row) for row in cursor.fetchall()]


def _chart(totals: list[OrderTotals]) -> SpendChart:
    today = timezone.localdate()
    days = [today - timedelta(days=DAYS - 1 - past) for past in range(DAYS)]
    spent: defaultdict[date | None, Decimal] = defaultdict(Decimal)
    counts: Counter[date | None] = Counter()
    for row in totals:
        spent[row.day] += row.spent
        counts[row.day] += row.orders
    top = _round_up(max(spent.values(), default=Decimal(0)))
    columns = [Column(day, counts[day], spent[day], _percent(spent[day], top)) for day in days]
    return SpendChart(columns, [top, top / 2, Decimal(0)], days[::LABEL_DAYS])


def _round_up(value: Decimal) -> Decimal:
    """Return the next of 1, 2, 5, 10, 20, 50 … (or 0.5, 0.2 …) that is not below the value; 1 if that is zero."""
    if value <= 0:
        return Decimal(1)
    unit = Decimal(1).scaleb(value.adjusted())
    return next(unit * step for step in (1, 2, 5, 10) if unit * step >= value)


def _percent(value: Decimal, of: Decimal) -> int:
    """Return the percentage; at least 1 if there is anything to show."""
    return max(round(100 * value / of), 1) if value > 0 and of > 0 else 0


def _by_status(totals: list[OrderTotals]) -> list[StatusCount]:
    counts = Counter[str | None]()
    for row in totals:
        counts[row.status] += row.orders
    return [StatusCount(status, counts[status]) for status in Status if counts[status]]


def _by_service(totals: list[OrderTotals]) -> list[ServiceSpend]:
    """Return the amounts spent on the top services, and on all others together."""
    ranked = sorted(totals, key=lambda row: -row.spent)
    top, others = ranked[:SERVICES_SHOWN], ranked[SERVICES_SHOWN:]
    names = dict(Service.objects.filter(pk__in=[row.service for row in top]).values_list("pk", "name"))
    amounts = [(names[row.service], row.spent) for row in top if row.service in names]
    if others:
        amounts.append((_("Others"), sum((row.spent for row in others), Decimal(0))))
    most = max((spent for _name, spent in amounts), default=Decimal(0))
    return [ServiceSpend(name, spent, _percent(spent, most)) for name, spent in amounts]
