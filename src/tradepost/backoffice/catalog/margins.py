"""How costs and margins are shown."""

from decimal import Decimal

from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.ui import formatters
from tradepost.providers import markup


def cost_cell(cost: Decimal) -> SafeString:
    """Render the cost of 1,000, whose tooltip has the seven decimals of rates."""
    return formatters.rate(round(cost, 7))


def margin_cell(rate: Decimal, cost: Decimal) -> SafeString:
    """Render the margin of 1,000 as an amount, whose tooltip has the seven decimals of rates."""
    return formatters.rate(round(rate - cost, 7))


def margin_percent_text(rate: Decimal, cost: Decimal) -> str:
    """Format the margin in percent of the rate."""
    percent = markup.margin_percent(rate, cost)
    return formats.NOTHING if percent is None else formats.column_percent(percent / markup.HUNDRED)


def margin_badge(rate: Decimal, cost: Decimal) -> SafeString:
    """Show the margin in percent as a label: red if the rate is below the cost."""
    return formatters.badge(margin_percent_text(rate, cost), "danger" if rate < cost else "success")
