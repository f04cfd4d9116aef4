"""How costs and margins are written."""

from decimal import Decimal

from django.utils.safestring import SafeString

from tradepost.backoffice.ui import formatters
from tradepost.providers import markup


def written_cost(cost: Decimal) -> str:
    """Write what 1,000 cost, as far as rates go."""
    return formatters.amount(round(cost, 7))


def written_margin(rate: Decimal, cost: Decimal) -> str:
    """Write what is left of a rate for 1,000."""
    return formatters.amount(round(rate - cost, 7))


def margin_of(rate: Decimal, cost: Decimal) -> str:
    """Write how much of a rate is left above the cost."""
    percent = markup.margin_percent(rate, cost)
    return formatters.NOTHING if percent is None else f"{percent} %"


def margin_badge(rate: Decimal, cost: Decimal) -> SafeString:
    """Write that as a label: red where a rate is below cost."""
    return formatters.badge(margin_of(rate, cost), "danger" if rate < cost else "success")
