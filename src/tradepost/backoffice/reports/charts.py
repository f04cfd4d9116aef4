"""Data for the theme's charts: JSON for Chart.js, put into an attribute of the page."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from tradepost import formats
from tradepost.reports.periods import Period
from tradepost.reports.queries import GroupBy, ReportReader, Sums

DAYS_DRAWN_MAX = 92  # a longer period is drawn by month
TICKS_MAX = 8
BAR_PIXELS_MAX = 18


def period_sales_chart(reader: ReportReader, period: Period, *, with_profit: bool) -> str:
    """Return the sales chart of all days of a period. Set `with_profit` for users who may see profit."""
    rows = {row.subject: row.sums for row in reader.rows(GroupBy.DAY, period)}
    return sales_chart([(day, rows.get(day, Sums())) for day in period.dates()], with_profit=with_profit)


def sales_chart(days: Sequence[tuple[date, Sums]], *, with_profit: bool) -> str:
    """Return revenue and, if `with_profit`, profit. Up to `DAYS_DRAWN_MAX` days are drawn by day, more by month."""
    if not with_profit:
        return _chart(days, _dataset("Revenue", days, lambda sums: sums.revenue, "--color-primary-600"))
    # The chart draws the first dataset in front of the second: profit is a part of revenue.
    profit = _dataset("Profit", days, lambda sums: sums.profit, "--color-primary-600")
    revenue = _dataset("Revenue", days, lambda sums: sums.revenue, "--color-primary-300")
    return _chart(days, profit, revenue)


def orders_chart(days: Sequence[tuple[date, Sums]]) -> str:
    """Return the number of orders, by day or by month as in `sales_chart`."""
    return _chart(days, _dataset("Orders", days, lambda sums: Decimal(sums.orders), "--color-primary-600"))


def _chart(days: Sequence[tuple[date, Sums]], *datasets: dict[str, object]) -> str:
    return json.dumps({"labels": list(dict.fromkeys(_labels(days))), "datasets": datasets})


def _labels(days: Sequence[tuple[date, Sums]]) -> list[str]:
    label = formats.short_day if len(days) <= DAYS_DRAWN_MAX else formats.month
    return [label(day) for day, _ in days]


def _dataset(
    label: str, days: Sequence[tuple[date, Sums]], value_of: Callable[[Sums], Decimal], colour: str
) -> dict[str, object]:
    values: defaultdict[str, Decimal] = defaultdict(Decimal)
    for day_label, (_, sums) in zip(_labels(days), days, strict=True):
        values[day_label] += value_of(sums)
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
