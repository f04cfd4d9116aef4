"""Who fulfils an order: whom its service names, but the simulator if a test account orders."""

from decimal import ROUND_CEILING, Decimal

import msgspec

from tradepost.engine.enums import TextEnum
from tradepost.engine.statuses import Dispatch


class Fulfilment(TextEnum):
    """Who delivers a service's orders."""

    MANUAL = "manual"
    SIMULATED = "simulated"
    PROVIDER = "provider"

    @property
    def label(self) -> str:
        """How the back office calls it."""
        return _LABELS[self]


_LABELS = {Fulfilment.MANUAL: "By hand", Fulfilment.SIMULATED: "Simulator", Fulfilment.PROVIDER: "Provider"}


class OnRefusal(TextEnum):
    """What becomes of an order that every route has refused."""

    CANCEL = "cancel"  # it is canceled and given back
    HOLD = "hold"  # it waits for a person


class Route(msgspec.Struct, frozen=True):
    """A service's way to a provider. A service's routes are tried in their order."""

    id: int
    provider: int


def first_dispatch(fulfilment: str, *, is_play: bool, has_route: bool) -> Dispatch:
    """Return where an order stands when it has just been placed.

    Play money buys simulated orders only. What no route leads anywhere is fulfilled by hand.
    """
    if is_play or fulfilment == Fulfilment.SIMULATED:
        return Dispatch.SIMULATED
    return Dispatch.QUEUED if fulfilment == Fulfilment.PROVIDER and has_route else Dispatch.NONE


def quantity_to_order(quantity: int, multiplier: Decimal, overflow_percent: int) -> int:
    """Return how much is ordered upstream, rounded up, so that `quantity` of ours comes of it."""
    return int((quantity * multiplier * (100 + overflow_percent) / 100).to_integral_value(ROUND_CEILING))


def remains_of_ours(quantity: int, ordered: int, remains: int, multiplier: Decimal) -> int:
    """Return what is undelivered of our quantity when `remains` is of what was ordered upstream.

    What was ordered above the quantity, and what is delivered over, never makes it less than nothing.
    """
    delivered = int(Decimal(ordered - remains) / multiplier)
    return min(max(quantity - delivered, 0), quantity)
