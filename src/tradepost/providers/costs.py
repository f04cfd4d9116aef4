"""What services cost by their routes, for many at once: one statement, however many there are."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tradepost.catalog.models import Service
from tradepost.engine.routing import Fulfilment
from tradepost.providers import following
from tradepost.providers.models import Followed


class Costs(msgspec.Struct, frozen=True):
    """What 1,000 (or the package) cost by the active routes that lead anywhere, in our currency."""

    first: Decimal
    cheapest: Decimal
    dearest: Decimal
    follows_rate: bool = False  # of the first route: a sync sets the rate

    def is_above(self, rate: Decimal) -> bool:
        """Tell whether this rate is below cost by any route, which keeps a service off sale (decision 16)."""
        return rate < self.dearest


def of(services: Sequence[Service]) -> dict[int, Costs]:
    """Return the costs of those of these services that go to providers and lead anywhere, by service."""
    bought = [service for service in services if service.fulfilment == Fulfilment.PROVIDER]
    found = {}
    for service, ways in following.with_ways(bought) if bought else ():
        costs = [way.terms.rate for way in ways if not way.is_gone]
        if costs:
            first = next(way for way in ways if not way.is_gone)
            found[service.pk] = Costs(costs[0], min(costs), max(costs), Followed.RATE in first.follows)
    return found
