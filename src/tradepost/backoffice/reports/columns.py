"""The columns of the sales reports, and who may see which."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
from django.http import HttpRequest

from tradepost import formats
from tradepost.backoffice.ui import formatters
from tradepost.reports.queries import Sums

SALES = "reports.view_sales"
PROFIT = "reports.view_profit"


class SalesColumn(msgspec.Struct, frozen=True):
    """A figure of each row. `name` is the name that rows are sorted by."""

    name: str
    title: str
    value_of: Callable[[Sums], int | Decimal | None]
    format_value: Callable[[Decimal], str] = formatters.money
    permission: str = SALES
    more_is_better: bool = True

    def number(self, sums: Sums) -> Decimal:
        """Return the figure for calculations: 0 if there is none."""
        return Decimal(self.value_of(sums) or 0)

    def text(self, sums: Sums) -> str:
        value = self.value_of(sums)
        return formats.NOTHING if value is None else self.format_value(Decimal(value))


def margin_percent(sums: Sums) -> Decimal | None:
    """Return the profit in percent of the revenue; None if there is no revenue."""
    return (100 * sums.profit / sums.revenue).quantize(Decimal("0.1")) if sums.revenue else None


def format_count(value: Decimal) -> str:
    return formats.whole(int(value))


def format_percent(value: Decimal) -> str:
    return formats.column_percent(value / 100)


COLUMNS = (
    SalesColumn("orders", "Orders", lambda sums: sums.orders, format_count),
    SalesColumn("quantity", "Quantity", lambda sums: sums.quantity, format_count),
    SalesColumn("charged", "Charged", lambda sums: sums.charged),
    SalesColumn("refunded", "Refunded", lambda sums: sums.refunded, more_is_better=False),
    SalesColumn("revenue", "Revenue", lambda sums: sums.revenue),
    SalesColumn("cost", "Cost", lambda sums: sums.cost, permission=PROFIT, more_is_better=False),
    SalesColumn("profit", "Profit", lambda sums: sums.profit, permission=PROFIT),
    SalesColumn("margin", "Margin", margin_percent, format_percent, permission=PROFIT),
    SalesColumn("partial", "Partial", lambda sums: sums.partial, format_count, more_is_better=False),
    SalesColumn("canceled", "Canceled", lambda sums: sums.canceled, format_count, more_is_better=False),
    SalesColumn("refills", "Refills", lambda sums: sums.refills, format_count, more_is_better=False),
)
COLUMNS_BY_NAME = {column.name: column for column in COLUMNS}


def visible_columns(request: HttpRequest) -> list[SalesColumn]:
    """Return the columns that this user may see."""
    return [column for column in COLUMNS if request.user.has_perm(column.permission)]
