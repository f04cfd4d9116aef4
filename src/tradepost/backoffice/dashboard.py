"""The first page of the back office: how business is, what is under way, what needs a person, and the newest orders.

Each figure is shown to whom may see it. It costs what the totals do, or what is active, never what the tables hold; and
none may take long.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from tradepost.accounts.models import Account
from tradepost.backoffice import alerts
from tradepost.backoffice.reports import changes, charts, columns, subjects
from tradepost.backoffice.ui import dates, formatters
from tradepost.engine.statuses import ACTIVE, Dispatch, Status
from tradepost.id_ranges import filter_between
from tradepost.orders import models as orders
from tradepost.reports import queries
from tradepost.reports.periods import DAY, Period, midnight
from tradepost.reports.queries import GroupBy, ReportReader, RowOrder, Sums
from tradepost.site_settings import effective as site_settings

SECONDS_MAX = 2  # then the page comes without the figures: no glance at it may burden the database
NEWEST_ORDERS = 10
ACTIVE_COUNTED_MAX = 20_000
DAYS = 30
TOP = 5
TOP_KEPT_SECONDS = 60  # the page is loaded again twice as often, and what is on top changes slowly
ORDERS, CUSTOMERS = "orders.view_order", "accounts.view_account"
TOPS = {GroupBy.SERVICE: "Top services", GroupBy.ACCOUNT: "Top customers", GroupBy.PROVIDER: "Top providers"}


class Days(msgspec.Struct, frozen=True):
    """A figure of today, of yesterday up to this time of day and of all of it, and of the last 30 days."""

    today: Decimal
    yesterday_by_now: Decimal
    yesterday: Decimal
    lately: Decimal

    def figure(
        self,
        title: str,
        write: Callable[[Decimal], str],
        *,
        link: str,
        unit: str = "",
        more_is_better: bool = True,
    ) -> dict[str, Any]:
        """Return it as the template writes it."""
        return {
            "title": title,
            "value": write(self.today),
            "exactly": f"{formatters.grouped(self.today)} {unit}" if unit else "",
            "unit": unit,
            "change": changes.change(self.today, self.yesterday_by_now, more_is_better=more_is_better),
            "yesterday_by_now": write(self.yesterday_by_now),
            "yesterday": write(self.yesterday),
            "lately": write(self.lately),
            "link": link,
        }


def dashboard_callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Give the template what this member of staff may see."""
    context |= {"today": dates.today(), "alerts": [], "days": DAYS}
    try:
        with queries.at_one_moment() as read:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS_MAX}s"])
            _fill(request, read, context, timezone.now())
    except OperationalError:
        context["is_too_slow"] = True
    return context


def _fill(request: HttpRequest, read: ReportReader, context: dict[str, Any], now: datetime) -> None:
    may = request.user.has_perm
    context["alerts"] = alerts.alerts_for(request)
    if may(ORDERS):
        newest = orders.Order.objects.select_related("account__test_of", "service")[:NEWEST_ORDERS]
        context["newest"] = [
            {"order": order, "status": formatters.status(order.status), "charge": formatters.amount(order.charge)}
            for order in newest
        ]
        context["active"] = _active()
    context["figures"] = []
    if may(columns.SALES) or may(ORDERS):
        period = Period(now.date() - (DAYS - 1) * DAY, now.date())
        by_day = {row.subject: row.sums for row in read.rows(GroupBy.DAY, period)}
        by_now = read.until(now - DAY)
        context["figures"] += _figures(request, period, by_day, by_now)
        if may(columns.SALES):
            days = [(day, by_day.get(day, Sums())) for day in period.dates()]
            context["charts"] = _charts(
                days, site_settings.for_request(request).currency, with_profit=may(columns.PROFIT)
            )
            context["tops"] = list(_tops(request, read, period))
        context["progress"] = read.progress
    if may(CUSTOMERS):
        context["figures"].append(_new_customers(now))


def _figures(request: HttpRequest, period: Period, by_day: dict[date, Sums], by_now: Sums) -> Iterator[dict[str, Any]]:
    today, yesterday = by_day.get(period.last, Sums()), by_day.get(period.last - DAY, Sums())
    unit = site_settings.for_request(request).currency
    may_see_sales = request.user.has_perm(columns.SALES)
    for name, title in {
        "orders": "Orders today",
        "revenue": "Revenue today",
        "refunded": "Refunded today",
        "cost": "Cost today",
        "profit": "Profit today",
    }.items():
        column = columns.NAMED[name]
        is_count = name == "orders"
        if not request.user.has_perm(column.permission) and not (is_count and request.user.has_perm(ORDERS)):
            continue
        number = column.number
        days = Days(number(today), number(by_now), number(yesterday), sum(map(number, by_day.values()), Decimal(0)))
        link = f"{reverse('report', args=['day'])}?preset={DAYS}"
        if is_count or not may_see_sales:
            link = _list("orders_order", created_at_from=f"{period.last:%Y-%m-%d}")
        yield days.figure(
            title,
            column.write if is_count else formatters.rounded,
            link=link,
            unit="" if is_count else unit,
            more_is_better=column.more_is_better,
        )


def _new_customers(now: datetime) -> dict[str, Any]:
    """Count who has signed up, staff and tests left out."""
    today = midnight(now.date())
    joined = Account.objects.order_by().filter(test_of=None, is_staff=False)
    counts = filter_between(joined, "created_at", today - (DAYS - 1) * DAY).aggregate(
        today=Count("pk", filter=Q(created_at__gte=today)),
        yesterday_by_now=Count("pk", filter=Q(created_at__gte=today - DAY, created_at__lt=now - DAY)),
        yesterday=Count("pk", filter=Q(created_at__gte=today - DAY, created_at__lt=today)),
        lately=Count("pk"),
    )
    days = Days(**{name: Decimal(count) for name, count in counts.items()})
    return days.figure("New customers today", columns.count, link=_list("accounts_account"))


def _charts(days: Sequence[tuple[date, Sums]], unit: str, *, with_profit: bool) -> list[dict[str, Any]]:
    title = "Revenue and profit" if with_profit else "Revenue"
    return [
        {
            "title": f"{title}, {unit}",
            "data": charts.sales(days, with_profit=with_profit),
            "with_profit": with_profit,
        },
        {"title": "Orders", "data": charts.orders(days)},
    ]


def _tops(request: HttpRequest, read: ReportReader, period: Period) -> Iterator[dict[str, Any]]:
    unit = site_settings.for_request(request).currency
    for by, title in TOPS.items():
        if request.user.has_perms(subjects.VIEWS[by]):
            link = f"{reverse('report', args=[by.value])}?preset={DAYS}"
            yield {"title": title, "unit": unit, "link": link, "rows": _top(read, by, period)}


def _top(read: ReportReader, by: GroupBy, period: Period) -> list[dict[str, str]]:
    """Return what brought most revenue; for a minute, what was found before."""
    key = f"dashboard-top-{by.value}-{period.last}"
    found: list[dict[str, str]] | None = cache.get(key)
    if found is None:
        rows = read.rows(by, period, RowOrder("revenue", descending=True, limit=TOP))
        names = subjects.names(by, [row.subject for row in rows])
        found = [
            {
                "name": names.get(row.subject, str(row.subject)),
                "revenue": formatters.rounded(row.sums.revenue),
                "exactly": formatters.grouped(row.sums.revenue),
                "link": subjects.orders_of(by, row.subject, period),
            }
            for row in rows
        ]
        cache.set(key, found, TOP_KEPT_SECONDS)
    return found


def _active() -> list[dict[str, Any]]:
    """Count the active orders by status, up to so many of them, and those whose upstream left us unsure."""
    some = _ordered().filter(orders.IS_ACTIVE).values_list("status", "dispatch")[:ACTIVE_COUNTED_MAX]
    statuses, unsure = Counter[str](), 0
    for status, dispatch in some.iterator(chunk_size=ACTIVE_COUNTED_MAX):
        statuses[status] += 1
        unsure += dispatch == Dispatch.UNSURE
    more = "+" if statuses.total() == ACTIVE_COUNTED_MAX else ""
    rows = [
        {"badge": formatters.status(status), "count": f"{statuses[status]:,}{more}", "link": _with_status(status)}
        for status in ACTIVE
    ]
    waiting = {
        "badge": formatters.badge("unsure", "danger"),
        "count": f"{unsure:,}{more}",
        "link": alerts.waiting_list(Dispatch.UNSURE),
    }
    return [*rows, waiting] if unsure else rows


def _ordered() -> QuerySet[orders.Order]:
    """Return what customers have ordered: not what keys for tests have, and runs and posts with what they belong to."""
    return orders.Order.objects.order_by().filter(account__test_of=None, parent=None)


def _with_status(status: Status) -> str:
    return _list("orders_order", status__exact=status.value)


def _list(name: str, **parameters: str) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(parameters)}"
