"""Who fulfils an order: the simulator if a test account orders, otherwise as the service says."""

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
        """The name that the back office shows."""
        return _LABELS[self]


_LABELS = {Fulfilment.MANUAL: "By hand", Fulfilment.SIMULATED: "Simulator", Fulfilment.PROVIDER: "Provider"}


class OnRefusal(TextEnum):
    """What happens to an order that every route has refused."""

    CANCEL = "cancel"  # the order is canceled and refunded
    HOLD = "hold"  # the order waits for staff


class Route(msgspec.Struct, frozen=True):
    """A service's route to a provider."""

    id: int
    provider: int


def first_dispatch(fulfilment: str, *, is_play: bool, has_route: bool) -> Dispatch:
    """Return the dispatch of a new order.

    Play money buys simulated orders only. If a provider's service has no route, staff fulfil the order by hand.
    """
    if is_play or fulfilment == Fulfilment.SIMULATED:
        return Dispatch.SIMULATED
    return Dispatch.QUEUED if fulfilment == Fulfilment.PROVIDER and has_route else Dispatch.NONE


def quantity_to_order(quantity: int, multiplier: Decimal, overflow_percent: int) -> int:
    """Return the quantity to order upstream, rounded up, so that the customer gets `quantity`."""
    return int((quantity * multiplier * (100 + overflow_percent) / 100).to_integral_value(ROUND_CEILING))


def remains_of_ours(quantity: int, ordered: int, remains: int, multiplier: Decimal) -> int:
    """Return the remains of the customer's `quantity` if `remains` of the `ordered` upstream quantity is left.

    The result is from 0 to `quantity`, even if more was ordered or delivered upstream.
    """
    delivered = int(Decimal(ordered - remains) / multiplier)
    return min(max(quantity - delivered, 0), quantity)
