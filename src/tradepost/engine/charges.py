"""Compute what an order costs, here and at a provider. Only this module knows which services have a flat price."""

from decimal import Decimal

from tradepost.engine import money
from tradepost.engine.catalog import Service
from tradepost.engine.order_types import RULES, Quantity


def charge(service: Service, rate: Decimal, quantity: int) -> Decimal:
    """Return the charge for `quantity` of a service at `rate`, which is for 1,000 or for the package."""
    if RULES[service.type].quantity is Quantity.PACKAGE:
        return money.charge_flat(rate)
    return money.charge_for(rate, quantity)


def rates(counted: Quantity, quantity: int) -> Decimal:
    """Return the factor for a provider's rate: 1 for a package, otherwise `quantity` / 1,000."""
    return Decimal(1) if counted is Quantity.PACKAGE else Decimal(quantity).scaleb(-3)
