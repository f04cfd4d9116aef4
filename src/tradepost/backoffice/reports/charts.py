"""Charts, as the theme draws them with Chart.js from data in an attribute."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from tradepost.reports.periods import Period
from tradepost.reports.queries import GroupBy, ReportReader, Sums

DAYS_DRAWN_MAX = 92  # of more, months are drawn
TICKS_MAX = 8
BAR_PIXELS_MAX = 18


def by_day(read: ReportReader, period: Period, *, with_profit: bool) -> str:
    """Return revenue, and profit for who may see it, by day or by month."""
    rows = {row.subject: row.sums for row in read.rows(GroupBy.DAY, period)}
    return sales([(day, rows.get(day, Sums())) for day in period.dates()], with_profit=with_profit)


def sales(days: Sequence[tuple[date, Sums]], *, with_profit: bool) -> str:
    """Return revenue and profit of these days, as the theme's chart takes them."""
    if not with_profit:
        return _chart(days, _drawn("Revenue", days, lambda sums: sums.revenue, "--color-primary-600"))
    # The first one stands before the second: profit is the part of revenue that is left.
    profit = _drawn("Profit", days, lambda sums: sums.profit, "--color-primary-600")
    revenue = _drawn("Revenue", days, lambda sums: sums.revenue, "--color-primary-300")
    return _chart(days, profit, revenue)


def orders(days: Sequence[tuple[date, Sums]]) -> str:
    """Return how many orders came in on these days."""
    return _chart(days, _drawn("Orders", days, lambda sums: Decimal(sums.orders), "--color-primary-600"))


def _chart(days: Sequence[tuple[date, Sums]], *datasets: dict[str, object]) -> str:
    return json.dumps({"labels": list(dict.fromkeys(_labels(days))), "datasets": datasets})


def _labels(days: Sequence[tuple[date, Sums]]) -> list[str]:
    form = "%d %b" if len(days) <= DAYS_DRAWN_MAX else "%b %Y"
    return [day.strftime(form) for day, _ in days]


def _drawn(
    label: str, days: Sequence[tuple[date, Sums]], read: Callable[[Sums], Decimal], colour: str
) -> dict[str, object]:
    values: defaultdict[str, Decimal] = defaultdict(Decimal)
    for name, (_, sums) in zip(_labels(days), days, strict=True):
        values[name] += read(sums)
    return {
        "label": label,
        "data": [str(value) for value in values.values()],
        "backgroundColor": f"var({colour})",
        "maxBarThickness": BAR_PIXELS_MAX,
        "categoryPercentage": 0.75,
        "borderRadius": 3,
        "borderSkipped": "start",
        "displayYAxis": True,
        "maxTicksXLimit": TICKS_MAX,
    }
