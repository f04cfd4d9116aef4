"""What many services cost by their routes, read in one statement."""

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
    """What 1,000 (or the package) cost in our currency, by the active routes to services that are still listed."""

    first: Decimal
    cheapest: Decimal
    dearest: Decimal
    follows_rate: bool = False  # of the first route: a sync sets the rate

    def is_above(self, rate: Decimal) -> bool:
        """Return whether the rate is below the cost of any route, which means quarantine (decision 16)."""
        return rate < self.dearest


def costs_by_service(services: Sequence[Service]) -> dict[int, Costs]:
    """Return the costs by service id, leaving out services that no provider fulfils or that have no usable route."""
    bought = [service for service in services if service.fulfilment == Fulfilment.PROVIDER]
    costs_of = {}
    for service, terms in service_sync.with_route_terms(bought) if bought else ():
        costs = [route.terms.rate for route in terms if not route.is_delisted]
        if costs:
            first = next(route for route in terms if not route.is_delisted)
            costs_of[service.pk] = Costs(costs[0], min(costs), max(costs), SyncedField.RATE in first.follows)
    return costs_of


class NullsLastExpression(ExpressionWrapper):  # type: ignore[type-arg] # generic in the stubs only
    """A figure to sort rows by. Rows without it come last in both directions."""

    def asc(self, **_: Any) -> OrderBy:
        return super().asc(nulls_last=True)

    def desc(self, **_: Any) -> OrderBy:
        return super().desc(nulls_last=True)


def _by_first_route() -> Case:
    """Return `Costs.first` as an SQL expression."""
    offer_rate = F("provider_service__rate") * F("provider_service__provider__exchange_rate")
    factor = F("multiplier") * (F("overflow_percent") + Value(100)) * Value(Decimal("0.01"))
    cost = ExpressionWrapper(
        offer_rate * Case(When(service__type__in=_COUNTED, then=factor), default=Value(Decimal(1))), _NUMBER
    )
    routes = Route.objects.filter(service=OuterRef("pk"), is_active=True, provider_service__is_delisted=False)
    first = Subquery(routes.order_by("position", "pk").values(cost=cost)[:1], output_field=_NUMBER)
    return Case(When(fulfilment=Fulfilment.PROVIDER.value, then=first), output_field=_NUMBER)


def cost_ordering() -> NullsLastExpression:
    """Return the expression that sorts services by the cost of their first route."""
    return NullsLastExpression(_by_first_route(), _NUMBER)


def margin_ordering() -> NullsLastExpression:
    """Return the expression that sorts services by their margin: the share of the rate above the first route's cost."""
    return NullsLastExpression((F("rate") - _by_first_route()) / NullIf(F("rate"), Value(Decimal(0))), _NUMBER)
