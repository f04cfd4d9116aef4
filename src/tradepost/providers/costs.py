"""What services cost by their routes, for many at once: one statement, however many there are."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import Case, DecimalField, ExpressionWrapper, F, OuterRef, Subquery, Value, When
from django.db.models.expressions import OrderBy
from django.db.models.functions import NullIf

from tradepost.catalog.models import Service
from tradepost.engine.order_types import RULES, Quantity
from tradepost.engine.routing import Fulfilment
from tradepost.providers import service_sync
from tradepost.providers.models import Route, SyncedField

_COUNTED = [type_.value for type_, rule in RULES.items() if rule.quantity is Quantity.GIVEN]
_NUMBER: "DecimalField[Any, Any]" = DecimalField(max_digits=60, decimal_places=30)


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
    for service, ways in service_sync.with_route_terms(bought) if bought else ():
        costs = [way.terms.rate for way in ways if not way.is_delisted]
        if costs:
            first = next(way for way in ways if not way.is_delisted)
            found[service.pk] = Costs(costs[0], min(costs), max(costs), SyncedField.RATE in first.follows)
    return found


class ToSortBy(ExpressionWrapper):  # type: ignore[type-arg] # generic in the stubs only
    """A figure that rows may be sorted by; those without it come last, whichever way."""

    def asc(self, **_: Any) -> OrderBy:
        """Begin with the least."""
        return super().asc(nulls_last=True)

    def desc(self, **_: Any) -> OrderBy:
        """Begin with the most."""
        return super().desc(nulls_last=True)


def _by_first_route() -> Case:
    """Return what `Costs.first` is, for the database to sort by."""
    theirs = F("provider_service__rate") * F("provider_service__provider__exchange_rate")
    of_each = F("multiplier") * (F("overflow_percent") + Value(100)) * Value(Decimal("0.01"))
    cost = ExpressionWrapper(
        theirs * Case(When(service__type__in=_COUNTED, then=of_each), default=Value(Decimal(1))), _NUMBER
    )
    routes = Route.objects.filter(service=OuterRef("pk"), is_active=True, provider_service__is_delisted=False)
    first = Subquery(routes.order_by("position", "pk").values(cost=cost)[:1], output_field=_NUMBER)
    return Case(When(fulfilment=Fulfilment.PROVIDER.value, then=first), output_field=_NUMBER)


def to_sort_by_cost() -> ToSortBy:
    """Return what services are sorted by for their cost by the first route."""
    return ToSortBy(_by_first_route(), _NUMBER)


def to_sort_by_margin() -> ToSortBy:
    """Return what services are sorted by for how much of their rate is left above that."""
    return ToSortBy((F("rate") - _by_first_route()) / NullIf(F("rate"), Value(Decimal(0))), _NUMBER)
