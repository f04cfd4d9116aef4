"""Amounts and rates: exact decimals, one rounding rule, one text format (docs/protocol.md §2).

Amounts are `Decimal` with 5 places (`numeric(20,5)`), rates with 7 (`numeric(20,7)`).
"""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

ZERO = Decimal(0)
SMALLEST = Decimal("0.00001")
SMALLEST_RATE = Decimal("0.0000001")
HUNDRED = Decimal(100)

# The largest rate times the largest quantity must be exact; the default of 28 digits is too few.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


def to_amount(value: Decimal) -> Decimal:
    """Round half up to 5 places."""
    return value.quantize(SMALLEST, context=_EXACT)


def charge_for(rate: Decimal, quantity: int) -> Decimal:
    """Return the price of `quantity` at `rate` per 1,000; zero only if the rate is zero."""
    charge = to_amount(_EXACT.multiply(rate, quantity).scaleb(-3, _EXACT))
    return charge if charge or not rate else SMALLEST


def charge_flat(rate: Decimal) -> Decimal:
    """Return the price of one package at `rate`; zero only if the rate is zero."""
    charge = to_amount(rate)
    return charge if charge or not rate else SMALLEST


def discounted(rate: Decimal, percent: Decimal) -> Decimal:
    """Return `rate` less `percent`, rounded half up to 7 places; zero only if the rate is zero or 100 % is off."""
    left = _EXACT.multiply(rate, _EXACT.subtract(HUNDRED, percent)).scaleb(-2, _EXACT)
    left = left.quantize(SMALLEST_RATE, context=_EXACT)
    return left if left or not rate or percent == HUNDRED else SMALLEST_RATE


def covering(cost: Decimal) -> Decimal:
    """Return the lowest rate (7 places) that is not below `cost`, which is per 1,000."""
    return cost.quantize(SMALLEST_RATE, rounding=ROUND_CEILING, context=_EXACT)


def share_of(charge: Decimal, part: int, whole: int) -> Decimal:
    """Return the share of `charge` for `part` of `whole`: the refund of a Partial order."""
    return to_amount(_EXACT.divide(_EXACT.multiply(charge, part), whole))


def show(value: Decimal) -> str:
    """Format an amount or a rate as the API does: no exponent, no trailing zeros beyond two decimals."""
    return tidy(format(value, "f"))


@lru_cache(maxsize=10_000)
def tidy(text: str) -> str:
    """Format PostgreSQL's text of an amount or a rate as `show` does."""
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
