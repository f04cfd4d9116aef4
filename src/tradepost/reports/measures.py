"""What is counted, of what, and over which stretches of time."""

from enum import IntEnum


class Kind(IntEnum):
    """What totals are of. The subject of the desk is 0; an offer is a provider's service."""

    DESK = 0
    SERVICE = 1
    ACCOUNT = 2
    PROVIDER = 3
    OFFER = 4


class Span(IntEnum):
    """How long a total's stretch of time is. Minutes are kept of the desk and of providers, for some days."""

    MINUTE = 0
    DAY = 1
    MONTH = 2
    YEAR = 3


class Phase(IntEnum):
    """What is timed of an order, from the moment its provider took it."""

    START = 0
    COMPLETION = 1


# The columns of a total. Of a provider and an offer `orders`, `quantity` and `charged` are of what was sent there, runs
# of drip-feeds each by itself; of all else they are of what customers ordered, parts left out.
AMOUNTS = ("charged", "refunded", "cost")
MEASURES = ("orders", "quantity", *AMOUNTS, "completed", "partial", "canceled", "refills", "refused", "unsure")
COUNTS = tuple(name for name in MEASURES if name not in {"quantity", *AMOUNTS})  # of rows

# Durations are counted by size: bucket n holds those from GROWTH^n to GROWTH^(n+1) seconds.
GROWTH = 1.25
