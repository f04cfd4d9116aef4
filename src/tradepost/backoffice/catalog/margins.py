"""How costs and margins are shown."""

from decimal import Decimal

from django.utils.safestring import SafeString

from tradepost.backoffice.ui import formatters
from tradepost.providers import markup


def cost_text(cost: Decimal) -> str:
    """Format the cost of 1,000, to the seven decimals of rates."""
    return formatters.amount(round(cost, 7))


def margin_text(rate: Decimal, cost: Decimal) -> str:
    """Format the margin of 1,000 as an amount, to the seven decimals of rates."""
    return formatters.amount(round(rate - cost, 7))


def margin_percent_text(rate: Decimal, cost: Decimal) -> str:
    """Format the margin in percent of the rate."""
    percent = markup.margin_percent(rate, cost)
    return formatters.NOTHING if percent is None else f"{percent} %"


def margin_badge(rate: Decimal, cost: Decimal) -> SafeString:
    """Show the margin in percent as a label: red if the rate is below the cost."""
    return formatters.badge(margin_percent_text(rate, cost), "danger" if rate < cost else "success")
