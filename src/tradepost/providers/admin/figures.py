"""How costs are written."""

from decimal import Decimal

from tradepost.backoffice import showing


def written_cost(cost: Decimal) -> str:
    """Write what 1,000 cost, as far as rates go."""
    return showing.amount(round(cost, 7))
