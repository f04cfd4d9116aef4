"""Costs of providers' services and the rates computed from them. All figures are exact; rates are rounded up."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

RATE_MAX = Decimal(9999999999999)  # what `numeric(20,7)` holds
HUNDRED = Decimal(100)

# Enough digits for the exact product of any figures below.
_EXACT = Context(prec=80)


def quantity_factor(multiplier: Decimal, overflow_percent: int) -> Decimal:
    """Return how many units to order at the provider for each unit of ours, before rounding up to a whole number."""
    return _EXACT.multiply(multiplier, Decimal(100 + overflow_percent)).scaleb(-2, _EXACT)


def cost(rate: Decimal, exchange_rate: Decimal, factor: Decimal = Decimal(1)) -> Decimal:
    """Return what 1,000 of ours (or the package) cost in our currency. `rate` is in the provider's currency."""
    return _EXACT.multiply(_EXACT.multiply(rate, exchange_rate), factor)


def rate_for(cost: Decimal, markup_percent: Decimal, decimals: int) -> Decimal:
    """Return the cost plus the markup, rounded up to this number of decimals."""
    marked_up = _EXACT.multiply(cost, _EXACT.add(HUNDRED, markup_percent)).scaleb(-2, _EXACT)
    return marked_up.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_CEILING, context=_EXACT)


def margin_percent(rate: Decimal, cost: Decimal) -> Decimal | None:
    """Return the share of the rate that is above the cost, in percent; None if the rate is 0."""
    return None if not rate else ((rate - cost) / rate * HUNDRED).quantize(Decimal("0.1"))


def rise_percent(before: Decimal, now: Decimal) -> Decimal:
    """Return by how many percent a rate has risen; negative if it fell, infinite if it rose from 0."""
    if not before:
        return Decimal(0) if not now else Decimal("Infinity")
    return _EXACT.divide((now - before) * HUNDRED, before)


def min_quantity(minimum: int, factor: Decimal) -> int:
    """Return our smallest quantity that reaches the provider's minimum."""
    return int(_EXACT.divide(Decimal(minimum), factor).to_integral_value(ROUND_CEILING))


def max_quantity(maximum: int, factor: Decimal) -> int:
    """Return our largest quantity that stays within the provider's maximum."""
    return int(_EXACT.divide(Decimal(maximum), factor).to_integral_value(ROUND_FLOOR))
