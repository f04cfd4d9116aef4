"""When a provider's service changes, change ours with it or put ours into quarantine (decision 16).

`quarantine.decide` decides about one service. `sync_services`, `check_costs` and `settle_quarantine` apply that to many
services, each in the transaction of the caller.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec
from django.db.models import QuerySet

from tradepost.catalog.models import Service
from tradepost.database import engine_connection
from tradepost.engine.order_types import RULES, OrderType, Quantity
from tradepost.engine.routing import Fulfilment
from tradepost.providers import markup
from tradepost.providers.models import Route
from tradepost.providers.quarantine import Quarantine, RouteTerms, ServiceTerms, decide

REASON_CHARS_MAX = 200


class SyncResult(msgspec.Struct, frozen=True):
    """The numbers of services that changed and that went into quarantine."""

    changed: int
    quarantined: int


_FOLLOW = f"""
UPDATE catalog_service s SET ({", ".join(ServiceTerms.__struct_fields__)}) = (
    {", ".join(f"new.{field}" for field in ServiceTerms.__struct_fields__)}
)
FROM jsonb_to_recordset(%s::jsonb) AS new (
    id bigint, rate numeric, min bigint, max bigint, name text, description text,
    refill boolean, cancel boolean, dripfeed boolean
)
WHERE s.id = new.id
"""

_QUARANTINE = """
UPDATE catalog_service s SET is_active = false, quarantine = new.why
FROM jsonb_to_recordset(%s::jsonb) AS new (id bigint, why text) WHERE s.id = new.id
"""


def sync_services(provider: int, rates_before: Mapping[int, Decimal]) -> SyncResult:
    """Sync every service routed to this provider, except services in quarantine.

    `rates_before` maps provider services to their old rates, where these have changed.
    """
    affected = Service.objects.filter(
        pk__in=Route.objects.filter(provider_service__provider=provider, is_active=True).values("service"),
        fulfilment=Fulfilment.PROVIDER.value,
        quarantine="",
    )
    return _apply(_locked(affected), rates_before)


def check_costs(services: Collection[int]) -> dict[int, str]:
    """Put those of the services into quarantine that are sold below cost or whose routes are all delisted.

    Return the reasons by service id.
    """
    affected = Service.objects.filter(pk__in=services, fulfilment=Fulfilment.PROVIDER.value, quarantine="")
    locked = _locked(affected)
    decisions = {
        service.pk: decide(_terms(service), [msgspec.structs.replace(route, follows=frozenset()) for route in routes])
        for service, routes in with_route_terms(locked)
        if routes
    }
    reasons = {id_: decision.why for id_, decision in decisions.items() if isinstance(decision, Quarantine)}
    _quarantine(reasons)
    return reasons


def settle_quarantine(services: Collection[int]) -> dict[int, str]:
    """Put services in quarantine back on sale, with the terms that they should have now.

    Return, by service id, why a service has to stay in quarantine.
    """
    locked = _locked(Service.objects.filter(pk__in=services).exclude(quarantine=""))
    decisions = {service.pk: _settled(service, routes) for service, routes in with_route_terms(locked)}
    terms = {id_: decision for id_, decision in decisions.items() if isinstance(decision, ServiceTerms)}
    _write(terms)
    Service.objects.filter(pk__in=terms).update(quarantine="", is_active=True)
    still = {id_: decision.why for id_, decision in decisions.items() if isinstance(decision, Quarantine)}
    _quarantine(still)
    return still


def _settled(service: Service, routes: Sequence[RouteTerms]) -> ServiceTerms | Quarantine:
    if service.fulfilment != Fulfilment.PROVIDER:
        return _terms(service)
    return decide(_terms(service), routes)


def _apply(services: Sequence[Service], rates_before: Mapping[int, Decimal]) -> SyncResult:
    terms: dict[int, ServiceTerms] = {}
    reasons: dict[int, str] = {}
    for service, routes in with_route_terms(services, rates_before):
        now = _terms(service)
        decision = decide(now, routes)
        if isinstance(decision, Quarantine):
            reasons[service.pk] = decision.why
        elif decision != now:
            terms[service.pk] = decision
    _write(terms)
    _quarantine(reasons)
    return SyncResult(len(terms), len(reasons))


def _locked(services: QuerySet[Service]) -> list[Service]:
    return list(services.order_by("pk").select_for_update())


def _terms(service: Service) -> ServiceTerms:
    return ServiceTerms(*(getattr(service, field) for field in ServiceTerms.__struct_fields__))


def with_route_terms(
    services: Sequence[Service], rates_before: Mapping[int, Decimal] = {}
) -> list[tuple[Service, list[RouteTerms]]]:
    """Return each service with its active routes, first route first. For `rates_before`, see `sync_services`."""
    routes = Route.objects.filter(service__in=[service.pk for service in services], is_active=True)
    by_service: defaultdict[int, list[Route]] = defaultdict(list)
    for route in routes.order_by("position", "pk").select_related("provider_service__provider"):
        by_service[route.service_id].append(route)
    return [
        (service, [route_terms(route, service.type, rates_before) for route in by_service[service.pk]])
        for service in services
    ]


def route_terms(route: Route, type_: str, rates_before: Mapping[int, Decimal] = {}) -> RouteTerms:
    """Return a route's terms for a service of this type. For `rates_before`, see `sync_services`."""
    offer = route.provider_service
    # The multiplier does not apply to packages and to orders counted by lines or posts.
    is_given = RULES[OrderType(type_)].quantity is Quantity.GIVEN
    factor = markup.quantity_factor(route.multiplier, route.overflow_percent) if is_given else Decimal(1)
    return RouteTerms(
        terms=ServiceTerms(
            rate=markup.cost(offer.rate, offer.provider.exchange_rate, factor),
            min=markup.min_quantity(offer.min, factor),
            max=markup.max_quantity(offer.max, factor),
            name=offer.name,
            description=offer.description,
            refill=offer.refill,
            cancel=offer.cancel,
            dripfeed=offer.dripfeed,
        ),
        follows=frozenset(route.follows),
        markup_percent=route.markup_percent,
        rate_decimals=route.rate_decimals,
        rise_percent=markup.rise_percent(rates_before.get(offer.pk, offer.rate), offer.rate),
        rise_percent_max=offer.provider.price_rise_percent_max,
        is_delisted=offer.is_delisted,
    )


def _write(terms: Mapping[int, ServiceTerms]) -> None:
    _execute(_FOLLOW, [{"id": id_, **msgspec.structs.asdict(new_terms)} for id_, new_terms in terms.items()])


def _quarantine(reasons: Mapping[int, str]) -> None:
    _execute(_QUARANTINE, [{"id": id_, "why": text[:REASON_CHARS_MAX]} for id_, text in reasons.items()])


def _execute(query: str, rows: Sequence[object]) -> None:
    """Run a statement for these rows. Without rows, run none: each statement raises the catalog's version."""
    if rows:
        engine_connection().execute(query, [msgspec.json.encode(rows).decode()])
