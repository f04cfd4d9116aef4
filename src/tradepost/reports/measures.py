"""The measures of the reports, the subjects they are about, and the spans of time they cover."""

from enum import IntEnum


class SubjectKind(IntEnum):
    """What a total is about. The desk has the subject id 0; an offer is a provider's service."""

    DESK = 0
    SERVICE = 1
    ACCOUNT = 2
    PROVIDER = 3
    OFFER = 4


class Span(IntEnum):
    """How long a total's stretch of time is. Minutes exist for the desk and for providers only, for some days."""

    MINUTE = 0
    DAY = 1
    MONTH = 2
    YEAR = 3


class Phase(IntEnum):
    """Which phase of an order a duration measures. Both begin when the provider accepts the order."""

    START = 0
    COMPLETION = 1


# The columns of a total. For a provider or an offer, `orders`, `quantity` and `charged` count the orders sent there,
# with each run of a drip-feed as an order. For other subjects they count customers' orders without their parts.
AMOUNTS = ("charged", "refunded", "cost")
MEASURES = ("orders", "quantity", *AMOUNTS, "completed", "partial", "canceled", "refills", "refused", "unsure")
COUNTS = tuple(name for name in MEASURES if name not in {"quantity", *AMOUNTS})  # of rows

# Durations are counted in buckets: bucket n holds durations from GROWTH^n to GROWTH^(n+1) seconds.
GROWTH = 1.25
