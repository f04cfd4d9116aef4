"""Whether a service may stay on sale as its provider changes, or goes into quarantine (decision 16). No database."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from tradepost.engine import money
from tradepost.providers import markup

NAME_CHARS_MAX = 300


class ServiceTerms(msgspec.Struct, frozen=True):
    """The terms of a service: as it offers them to its customers, or as a route offers them to us."""

    rate: Decimal
    min: int
    max: int
    name: str
    description: str
    refill: bool
    cancel: bool
    dripfeed: bool


class RouteTerms(msgspec.Struct, frozen=True, kw_only=True):
    """An active route, with the terms of the provider's service converted to ours.

    `terms.rate` is the cost in our currency; `terms.min` and `terms.max` limit our quantity.
    """

    terms: ServiceTerms
    follows: frozenset[str] = frozenset()
    markup_percent: Decimal = Decimal(0)
    rate_decimals: int = 4
    rise_percent: Decimal = Decimal(0)  # of the provider's rate, since the last sync
    rise_percent_max: int = 100
    is_delisted: bool = False

    @property
    def followed_terms(self) -> ServiceTerms:
        """The terms of a service that follows this route in every field."""
        rate = markup.rate_for(self.terms.rate, self.markup_percent, self.rate_decimals)
        return msgspec.structs.replace(self.terms, rate=rate, name=self.terms.name[:NAME_CHARS_MAX])


class Quarantine(msgspec.Struct, frozen=True):
    """The service must be off sale until a person has looked at it. `why` is the reason."""

    why: str


def decide(now: ServiceTerms, routes: Sequence[RouteTerms]) -> ServiceTerms | Quarantine:
    """Return the new terms of a service that has these routes, first route first; or why it goes into quarantine.

    The service follows its first route that is not delisted. It goes into quarantine if

    - every route is delisted,
    - the provider's rate on the first route has risen by more than it may,
    - the service would be sold below its cost on any route, or
    - the new terms are impossible: a rate too large to store, or a maximum below the minimum.
    """
    routes = [route for route in routes if not route.is_delisted]
    if not routes:
        return Quarantine("None of its routes leads anywhere: its providers do not list what they lead to any more.")
    first = routes[0]
    if first.rise_percent > first.rise_percent_max:
        rise = f"by {first.rise_percent:,.0f} %" if first.rise_percent.is_finite() else "from nothing"
        return Quarantine(f"Its provider's rate rose {rise}; it may rise by {first.rise_percent_max} %.")
    terms = msgspec.structs.replace(now, **{field: getattr(first.followed_terms, field) for field in first.follows})
    highest_cost = max(route.terms.rate for route in routes)
    if terms.rate < highest_cost:
        return Quarantine(
            f"Its rate, {money.show(terms.rate)}, is below its cost, {money.show(round(highest_cost, 7))}."
        )
    if terms.rate > markup.RATE_MAX:
        return Quarantine("What it would cost is more than a rate can be.")
    if terms.max < terms.min:
        return Quarantine(f"Its provider takes no quantity of it: from {terms.min:,} to {terms.max:,}.")
    return terms
