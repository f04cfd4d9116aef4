"""The first page of the back office: today's business, active orders, alerts, and the newest orders.

Each user sees only the figures they have permission for. The cost of the page depends on the number of totals and of
active orders, not on the size of the tables, and the time of its queries is limited.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.core.cache import caches
from django.db import OperationalError, connection
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from tradepost import formats
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

SECONDS_MAX = 2  # for each query; a slower page is shown without figures, to spare the database
NEWEST_ORDERS = 10
ACTIVE_COUNTED_MAX = 20_000
DAYS = 30
TOP = 5
TOP_KEPT_SECONDS = 60  # the page reloads itself twice as often, and the top rows change slowly
ORDERS, CUSTOMERS = "orders.view_order", "accounts.view_account"
TOPS = {GroupBy.SERVICE: "Top services", GroupBy.ACCOUNT: "Top customers", GroupBy.PROVIDER: "Top providers"}


class DailyFigure(msgspec.Struct, frozen=True):
    """A figure of today, of yesterday (up to this time of day, and the whole day), and of the last 30 days."""

    today: Decimal
    yesterday_by_now: Decimal
    yesterday: Decimal
    last_days: Decimal

    def as_context(
        self,
        title: str,
        format_value: Callable[[Decimal], str],
        *,
        link: str,
        more_is_better: bool = True,
    ) -> dict[str, Any]:
        """Return the figure as the template needs it."""
        return {
            "title": title,
            "value": format_value(self.today),
            "change": changes.relative_change(self.today, self.yesterday_by_now, more_is_better=more_is_better),
            "yesterday_by_now": format_value(self.yesterday_by_now),
            "yesterday": format_value(self.yesterday),
            "lately": format_value(self.last_days),
            "link": link,
        }


def dashboard_callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context with what this user may see. If the database is too slow, leave the figures out."""
    context |= {"today": dates.start_of_today(), "alerts": [], "days": DAYS}
    try:
        with queries.at_one_moment() as reader:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS_MAX}s"])
            _add_figures(request, reader, context, timezone.now())
    except OperationalError:
        context["is_too_slow"] = True
    return context


def _add_figures(request: HttpRequest, reader: ReportReader, context: dict[str, Any], now: datetime) -> None:
    has_perm = request.user.has_perm
    context["alerts"] = alerts.alerts_for(request)
    if has_perm(ORDERS):
        newest = orders.Order.objects.select_related("account__test_of", "service")[:NEWEST_ORDERS]
        context["newest"] = [
            {
                "order": order,
                "status": formatters.status_badge(order.status),
                "charge": formatters.money(order.charge),
            }
            for order in newest
        ]
        context["active"] = _active()
    context["figures"] = []
    if has_perm(columns.SALES) or has_perm(ORDERS):
        period = Period(now.date() - (DAYS - 1) * DAY, now.date())
        by_day = {row.subject: row.sums for row in reader.rows(GroupBy.DAY, period)}
        by_now = reader.until(now - DAY)
        context["figures"] += _figures(request, period, by_day, by_now)
        if has_perm(columns.SALES):
            days = [(day, by_day.get(day, Sums())) for day in period.dates()]
            context["charts"] = _charts(
                days, site_settings.for_request(request).currency, with_profit=has_perm(columns.PROFIT)
            )
            context["tops"] = list(_tops(request, reader, period))
        context["progress"] = reader.progress
    if has_perm(CUSTOMERS):
        context["figures"].append(_new_customers(now))


def _figures(request: HttpRequest, period: Period, by_day: dict[date, Sums], by_now: Sums) -> Iterator[dict[str, Any]]:
    today, yesterday = by_day.get(period.last, Sums()), by_day.get(period.last - DAY, Sums())
    may_see_sales = request.user.has_perm(columns.SALES)
    for name, title in {
        "orders": "Orders today",
        "revenue": "Revenue today",
        "refunded": "Refunded today",
        "cost": "Cost today",
        "profit": "Profit today",
    }.items():
        column = columns.COLUMNS_BY_NAME[name]
        is_count = name == "orders"
        if not request.user.has_perm(column.permission) and not (is_count and request.user.has_perm(ORDERS)):
            continue
        number = column.number
        figure = DailyFigure(
            number(today), number(by_now), number(yesterday), sum(map(number, by_day.values()), Decimal(0))
        )
        link = f"{reverse('report', args=['day'])}?preset={DAYS}"
        if (is_count and request.user.has_perm(ORDERS)) or not may_see_sales:
            link = _list_url("orders_order", created_at_from=period.last.isoformat())
        yield figure.as_context(title, column.format_value, link=link, more_is_better=column.more_is_better)


def _new_customers(now: datetime) -> dict[str, Any]:
    """Count new accounts, without staff and test accounts."""
    today = midnight(now.date())
    joined = Account.objects.order_by().filter(test_of=None, is_staff=False)
    counts = filter_between(joined, "created_at", today - (DAYS - 1) * DAY).aggregate(
        today=Count("pk", filter=Q(created_at__gte=today)),
        yesterday_by_now=Count("pk", filter=Q(created_at__gte=today - DAY, created_at__lt=now - DAY)),
        yesterday=Count("pk", filter=Q(created_at__gte=today - DAY, created_at__lt=today)),
        last_days=Count("pk"),
    )
    figure = DailyFigure(**{name: Decimal(count) for name, count in counts.items()})
    return figure.as_context("New customers today", columns.format_count, link=_list_url("accounts_account"))


def _charts(days: Sequence[tuple[date, Sums]], unit: str, *, with_profit: bool) -> list[dict[str, Any]]:
    title = "Revenue and profit" if with_profit else "Revenue"
    return [
        {
            "title": f"{title}, {unit}",
            "data": charts.sales_chart(days, with_profit=with_profit),
            "with_profit": with_profit,
        },
        {"title": "Orders", "data": charts.orders_chart(days)},
    ]


def _tops(request: HttpRequest, reader: ReportReader, period: Period) -> Iterator[dict[str, Any]]:
    for by, title in TOPS.items():
        if request.user.has_perms(subjects.PERMISSIONS[by]):
            link = f"{reverse('report', args=[by.value])}?preset={DAYS}"
            yield {"title": title, "link": link, "rows": _top(reader, by, period)}


def _top(reader: ReportReader, by: GroupBy, period: Period) -> list[dict[str, str]]:
    """Return the rows with the largest revenue, cached for a minute."""
    key = f"dashboard-top-{by.value}-{period.last}"
    top: list[dict[str, str]] | None = caches["process"].get(key)
    if top is None:
        rows = reader.rows(by, period, RowOrder("revenue", descending=True, limit=TOP))
        names = subjects.subject_names(by, [row.subject for row in rows])
        top = [
            {
                "name": names.get(row.subject, str(row.subject)),
                "revenue": formatters.money(row.sums.revenue),
                "link": subjects.orders_url(by, row.subject, period),
            }
            for row in rows
        ]
        caches["process"].set(key, top, TOP_KEPT_SECONDS)
    return top


def _active() -> list[dict[str, Any]]:
    """Count active orders by status, up to `ACTIVE_COUNTED_MAX`, and the unsure ones among them."""
    active = _customer_orders().filter(orders.IS_ACTIVE).values_list("status", "dispatch")[:ACTIVE_COUNTED_MAX]
    statuses, unsure = Counter[str](), 0
    for status, dispatch in active.iterator(chunk_size=ACTIVE_COUNTED_MAX):
        statuses[status] += 1
        unsure += dispatch == Dispatch.UNSURE
    more = "+" if statuses.total() == ACTIVE_COUNTED_MAX else ""
    rows = [
        {
            "badge": formatters.status_badge(status),
            "count": f"{formats.whole(statuses[status])}{more}",
            "link": _orders_with_status_url(status),
        }
        for status in ACTIVE
    ]
    unsure_row = {
        "badge": formatters.badge("unsure", "danger"),
        "count": f"{formats.whole(unsure)}{more}",
        "link": alerts.unsettled_orders_url(Dispatch.UNSURE),
    }
    return [*rows, unsure_row] if unsure else rows


def _customer_orders() -> QuerySet[orders.Order]:
    """Return what customers have ordered: no orders of test keys, and no child orders."""
    return orders.Order.objects.order_by().filter(account__test_of=None, parent=None)


def _orders_with_status_url(status: Status) -> str:
    return _list_url("orders_order", status__exact=status.value)


def _list_url(name: str, **parameters: str) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(parameters)}"
