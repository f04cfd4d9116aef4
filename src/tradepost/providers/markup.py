"""What a provider's service costs, and what is asked for it: exact, and rounded up so that nothing is given away."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

RATE_MAX = Decimal(9999999999999)  # what `numeric(20,7)` holds
HUNDRED = Decimal(100)

# Room for the product of every figure below, exactly.
_EXACT = Context(prec=80)


def ordered_of_each(multiplier: Decimal, overflow_percent: int) -> Decimal:
    """Return how much is ordered at a provider for each one of ours, before it is rounded up to a whole number."""
    return _EXACT.multiply(multiplier, Decimal(100 + overflow_percent)).scaleb(-2, _EXACT)


def cost(rate: Decimal, exchange_rate: Decimal, of_each: Decimal = Decimal(1)) -> Decimal:
    """Return what 1,000 of ours (or the package) cost, in our currency, of a provider's `rate` in its own."""
    return _EXACT.multiply(_EXACT.multiply(rate, exchange_rate), of_each)


def rate_for(cost: Decimal, markup_percent: Decimal, decimals: int) -> Decimal:
    """Return what to ask for something that costs this much: with the markup, rounded up to so many decimals."""
    marked_up = _EXACT.multiply(cost, _EXACT.add(HUNDRED, markup_percent)).scaleb(-2, _EXACT)
    return marked_up.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_CEILING, context=_EXACT)


def margin_percent(rate: Decimal, cost: Decimal) -> Decimal | None:
    """Return how much of a rate is left above the cost; None of a rate that is nothing."""
    return None if not rate else ((rate - cost) / rate * HUNDRED).quantize(Decimal("0.1"))


def rise_percent(before: Decimal, now: Decimal) -> Decimal:
    """Return by how much a rate has risen; below zero if it fell. From nothing to something is without measure."""
    if not before:
        return Decimal(0) if not now else Decimal("Infinity")
    return _EXACT.divide((now - before) * HUNDRED, before)


def least_of_ours(least: int, of_each: Decimal) -> int:
    """Return the smallest quantity of ours of which a provider's minimum comes."""
    return int(_EXACT.divide(Decimal(least), of_each).to_integral_value(ROUND_CEILING))


def most_of_ours(most: int, of_each: Decimal) -> int:
    """Return the largest quantity of ours of which no more than a provider's maximum comes."""
    return int(_EXACT.divide(Decimal(most), of_each).to_integral_value(ROUND_FLOOR))
