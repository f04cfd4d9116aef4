"""Amounts and rates: exact decimals, one way to round, one way to show (docs/protocol.md §2).

Amounts are `Decimal` with 5 places (`numeric(20,5)`), rates with 7 (`numeric(20,7)`).
"""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

ZERO = Decimal(0)
SMALLEST = Decimal("0.00001")
CENT = Decimal("0.01")
SMALLEST_RATE = Decimal("0.0000001")
HUNDRED = Decimal(100)

# Room for the largest rate times the largest quantity, exactly; the default of 28 digits has not.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


def to_amount(value: Decimal) -> Decimal:
    """Round half up to the 5 places that amounts have."""
    return value.quantize(SMALLEST, context=_EXACT)


def to_cents(value: Decimal) -> Decimal:
    """Round half up to two places, for eyes only: what is reckoned with has five."""
    return value.quantize(CENT, context=_EXACT)


def charge_for(rate: Decimal, quantity: int) -> Decimal:
    """Return the price of `quantity` at `rate` for 1,000; never nothing for something that has a rate."""
    charge = to_amount(_EXACT.multiply(rate, quantity).scaleb(-3, _EXACT))
    return charge if charge or not rate else SMALLEST


def charge_flat(rate: Decimal) -> Decimal:
    """Return the price of one package at `rate`."""
    charge = to_amount(rate)
    return charge if charge or not rate else SMALLEST


def discounted(rate: Decimal, percent: Decimal) -> Decimal:
    """Return a rate less so many percent, rounded half up to the 7 places of rates; nothing only at 100 % off."""
    left = _EXACT.multiply(rate, _EXACT.subtract(HUNDRED, percent)).scaleb(-2, _EXACT)
    left = left.quantize(SMALLEST_RATE, context=_EXACT)
    return left if left or not rate or percent == HUNDRED else SMALLEST_RATE


def covering(cost: Decimal) -> Decimal:
    """Return the lowest rate that is not below a cost of 1,000."""
    return cost.quantize(SMALLEST_RATE, rounding=ROUND_CEILING, context=_EXACT)


def share_of(charge: Decimal, part: int, whole: int) -> Decimal:
    """Return the share of `charge` for `part` of `whole`: the refund of a Partial order."""
    return to_amount(_EXACT.divide(_EXACT.multiply(charge, part), whole))


def show(value: Decimal) -> str:
    """Write an amount or a rate as the API does: no exponent, trailing zeros dropped down to two decimals."""
    return tidy(format(value, "f"))


@lru_cache(maxsize=10_000)
def tidy(text: str) -> str:
    """Write an amount or a rate as the API does, from PostgreSQL's text."""
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
