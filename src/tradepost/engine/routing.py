"""Who fulfils an order: whom its service names, but the simulator if a test account orders."""

from tradepost.engine.statuses import Dispatch
from tradepost.engine.words import Words


class Fulfilment(Words):
    """Who delivers a service's orders."""

    MANUAL = "manual"
    SIMULATED = "simulated"

    @property
    def label(self) -> str:
        """How the back office calls it."""
        return _LABELS[self]


_LABELS = {Fulfilment.MANUAL: "By hand", Fulfilment.SIMULATED: "Simulator"}


def first_dispatch(fulfilment: str, *, is_play: bool) -> Dispatch:
    """Return where an order stands when it has just been placed; play money buys simulated orders only."""
    return Dispatch.SIMULATED if is_play or fulfilment == Fulfilment.SIMULATED else Dispatch.NONE
