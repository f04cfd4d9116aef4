"""Charts, as the theme draws them with Chart.js from data in an attribute."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from tradepost.engine import money
from tradepost.reports import reading
from tradepost.reports.periods import Period
from tradepost.reports.reading import By, Sums

DAYS_DRAWN_MAX = 92  # of more, months are drawn
TICKS_MAX = 10


def by_day(period: Period, *, with_profit: bool) -> str:
    """Return revenue, and profit for who may see it, by day or by month."""
    rows = {row.subject: row.sums for row in reading.rows(By.DAY, period)}
    return sales([(day, rows.get(day, Sums())) for day in period.each()], with_profit=with_profit)


def sales(days: Sequence[tuple[date, Sums]], *, with_profit: bool) -> str:
    """Return revenue and profit of these days, as the theme's chart takes them."""
    form = "%d %b" if len(days) <= DAYS_DRAWN_MAX else "%b %Y"
    revenue: defaultdict[str, Decimal] = defaultdict(Decimal)
    profit: defaultdict[str, Decimal] = defaultdict(Decimal)
    for day, sums in days:
        label = day.strftime(form)
        revenue[label] += sums.revenue
        profit[label] += sums.profit
    datasets = [_dataset("Revenue", list(revenue.values()), "--color-primary-600")]
    if with_profit:
        datasets.append(_dataset("Profit", list(profit.values()), "--color-primary-300"))
    return json.dumps({"labels": list(revenue), "datasets": datasets})


def _dataset(label: str, values: Sequence[Decimal], colour: str) -> dict[str, object]:
    return {
        "label": label,
        "data": [money.show(value) for value in values],
        "backgroundColor": f"var({colour})",
        "displayYAxis": True,
        "maxTicksXLimit": TICKS_MAX,
    }
