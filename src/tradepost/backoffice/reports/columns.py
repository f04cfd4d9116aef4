"""The columns of a report, and who may see which."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
from django.http import HttpRequest

from tradepost.backoffice.ui import formatters
from tradepost.reports.queries import Sums

SALES = "reports.view_sales"
PROFIT = "reports.view_profit"


class Column(msgspec.Struct, frozen=True):
    """A figure of a row, by the name that rows are ordered by."""

    name: str
    title: str
    read: Callable[[Sums], int | Decimal | None]
    write: Callable[[Decimal], str] = formatters.grouped
    permission: str = SALES
    more_is_better: bool = True

    def number(self, sums: Sums) -> Decimal:
        """Return the figure to reckon with; nothing where there is none."""
        return Decimal(self.read(sums) or 0)

    def text(self, sums: Sums) -> str:
        """Write the figure for people."""
        value = self.read(sums)
        return formatters.NOTHING if value is None else self.write(Decimal(value))


def margin(sums: Sums) -> Decimal | None:
    """Return how much of the revenue is left, in percent; None where there is none."""
    return (100 * sums.profit / sums.revenue).quantize(Decimal("0.1")) if sums.revenue else None


def count(value: Decimal) -> str:
    """Write a number of things."""
    return f"{value:,}"


def percent(value: Decimal) -> str:
    """Write a share."""
    return f"{value:,} %"


COLUMNS = (
    Column("orders", "Orders", lambda sums: sums.orders, count),
    Column("quantity", "Quantity", lambda sums: sums.quantity, count),
    Column("charged", "Charged", lambda sums: sums.charged),
    Column("refunded", "Refunded", lambda sums: sums.refunded, more_is_better=False),
    Column("revenue", "Revenue", lambda sums: sums.revenue),
    Column("cost", "Cost", lambda sums: sums.cost, permission=PROFIT, more_is_better=False),
    Column("profit", "Profit", lambda sums: sums.profit, permission=PROFIT),
    Column("margin", "Margin", margin, percent, permission=PROFIT),
    Column("partial", "Partial", lambda sums: sums.partial, count, more_is_better=False),
    Column("canceled", "Canceled", lambda sums: sums.canceled, count, more_is_better=False),
    Column("refills", "Refills", lambda sums: sums.refills, count, more_is_better=False),
)
NAMED = {column.name: column for column in COLUMNS}


def seen_by(request: HttpRequest) -> list[Column]:
    """Return the columns that this member of staff may see."""
    return [column for column in COLUMNS if request.user.has_perm(column.permission)]
