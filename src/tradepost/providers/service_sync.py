"""What a service takes from its provider's when that changes, and when it goes into quarantine instead (decision 16).

`decide` says it of one service, without the database. `follow`, `settle` and `check` have it hold for many, each in
the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec
from django.db.models import QuerySet

from tradepost.catalog.models import Service
from tradepost.database import engine_connection
from tradepost.engine import money
from tradepost.engine.order_types import RULES, OrderType, Quantity
from tradepost.engine.routing import Fulfilment
from tradepost.providers import markup
from tradepost.providers.models import Route

NAME_CHARS_MAX = 300
REASON_CHARS_MAX = 200


class ServiceTerms(msgspec.Struct, frozen=True):
    """What a service tells its customers, and what its provider's tells of the same."""

    rate: Decimal
    min: int
    max: int
    name: str
    description: str
    refill: bool
    cancel: bool
    dripfeed: bool


class RouteTerms(msgspec.Struct, frozen=True, kw_only=True):
    """An active route, and what it leads to in our terms: its rate is the cost, its limits are of our quantity."""

    terms: ServiceTerms
    follows: frozenset[str] = frozenset()
    markup_percent: Decimal = Decimal(0)
    rate_decimals: int = 4
    rise_percent: Decimal = Decimal(0)  # of its provider's rate, since it was followed last
    rise_percent_max: int = 100
    is_delisted: bool = False

    @property
    def asked(self) -> ServiceTerms:
        """What a service that follows it in everything would tell its customers."""
        rate = markup.rate_for(self.terms.rate, self.markup_percent, self.rate_decimals)
        return msgspec.structs.replace(self.terms, rate=rate, name=self.terms.name[:NAME_CHARS_MAX])


class Quarantine(msgspec.Struct, frozen=True):
    """A service is not to be sold before a person has looked at it, and why."""

    why: str


class SyncResult(msgspec.Struct, frozen=True):
    """How many services have changed, and how many went into quarantine."""

    changed: int
    quarantined: int


_FOLLOW = f"""
UPDATE catalog_service s SET ({", ".join(ServiceTerms.__struct_fields__)}) = (
    {", ".join(f"told.{field}" for field in ServiceTerms.__struct_fields__)}
)
FROM jsonb_to_recordset(%s::jsonb) AS told (
    id bigint, rate numeric, min bigint, max bigint, name text, description text,
    refill boolean, cancel boolean, dripfeed boolean
)
WHERE s.id = told.id
"""

_QUARANTINE = """
UPDATE catalog_service s SET is_active = false, quarantine = told.why
FROM jsonb_to_recordset(%s::jsonb) AS told (id bigint, why text) WHERE s.id = told.id
"""


def decide(now: ServiceTerms, ways: Sequence[RouteTerms]) -> ServiceTerms | Quarantine:
    """Return what a service is to tell by its routes, the first one first.

    Its first route that leads anywhere is followed. It goes into quarantine if none does, if that one's rate has risen
    by more than it may, and if the service would be sold below what it costs on any of them.
    """
    ways = [way for way in ways if not way.is_delisted]
    if not ways:
        return Quarantine("None of its routes leads anywhere: its providers do not list what they lead to any more.")
    first = ways[0]
    if first.rise_percent > first.rise_percent_max:
        rise = f"by {first.rise_percent:,.0f} %" if first.rise_percent.is_finite() else "from nothing"
        return Quarantine(f"Its provider's rate rose {rise}; it may rise by {first.rise_percent_max} %.")
    told = msgspec.structs.replace(now, **{field: getattr(first.asked, field) for field in first.follows})
    highest_cost = max(way.terms.rate for way in ways)
    if told.rate < highest_cost:
        return Quarantine(
            f"Its rate, {money.show(told.rate)}, is below its cost, {money.show(round(highest_cost, 7))}."
        )
    if told.rate > markup.RATE_MAX:
        return Quarantine("What it would cost is more than a rate can be.")
    if told.max < told.min:
        return Quarantine(f"Its provider takes no quantity of it: from {told.min:,} to {told.max:,}.")
    return told


def sync_services(provider: int, rates_before: Mapping[int, Decimal]) -> SyncResult:
    """Have all services with a route to a provider follow it, whose rates of some of its services were others before.

    What is in quarantine stays as it is.
    """
    concerned = Service.objects.filter(
        pk__in=Route.objects.filter(provider_service__provider=provider, is_active=True).values("service"),
        fulfilment=Fulfilment.PROVIDER.value,
        quarantine="",
    )
    return _apply(_locked(concerned), rates_before)


def check_costs(services: Collection[int]) -> dict[int, str]:
    """Put these services into quarantine where they lead nowhere or are sold below cost; return why, by service."""
    concerned = Service.objects.filter(pk__in=services, fulfilment=Fulfilment.PROVIDER.value, quarantine="")
    found = _locked(concerned)
    decisions = {
        service.pk: decide(_terms(service), [msgspec.structs.replace(way, follows=frozenset()) for way in ways])
        for service, ways in with_route_terms(found)
        if ways
    }
    why = {id_: decision.why for id_, decision in decisions.items() if isinstance(decision, Quarantine)}
    _quarantine(why)
    return why


def settle_quarantine(services: Collection[int]) -> dict[int, str]:
    """Put services in quarantine back on sale, at what they are to be by now; return why not, by those that can't."""
    found = _locked(Service.objects.filter(pk__in=services).exclude(quarantine=""))
    decisions = {service.pk: _settled(service, ways) for service, ways in with_route_terms(found)}
    terms = {id_: decision for id_, decision in decisions.items() if isinstance(decision, ServiceTerms)}
    _write(terms)
    Service.objects.filter(pk__in=terms).update(quarantine="", is_active=True)
    still = {id_: decision.why for id_, decision in decisions.items() if isinstance(decision, Quarantine)}
    _quarantine(still)
    return still


def _settled(service: Service, ways: Sequence[RouteTerms]) -> ServiceTerms | Quarantine:
    if service.fulfilment != Fulfilment.PROVIDER:
        return _terms(service)
    return decide(_terms(service), ways)


def _apply(services: Sequence[Service], rates_before: Mapping[int, Decimal]) -> SyncResult:
    terms: dict[int, ServiceTerms] = {}
    why: dict[int, str] = {}
    for service, ways in with_route_terms(services, rates_before):
        now = _terms(service)
        decision = decide(now, ways)
        if isinstance(decision, Quarantine):
            why[service.pk] = decision.why
        elif decision != now:
            terms[service.pk] = decision
    _write(terms)
    _quarantine(why)
    return SyncResult(len(terms), len(why))


def _locked(services: QuerySet[Service]) -> list[Service]:
    return list(services.order_by("pk").select_for_update())


def _terms(service: Service) -> ServiceTerms:
    return ServiceTerms(*(getattr(service, field) for field in ServiceTerms.__struct_fields__))


def with_route_terms(
    services: Sequence[Service], rates_before: Mapping[int, Decimal] = {}
) -> list[tuple[Service, list[RouteTerms]]]:
    """Return each service with its active routes, the first one first."""
    routes = Route.objects.filter(service__in=[service.pk for service in services], is_active=True)
    by_service: defaultdict[int, list[Route]] = defaultdict(list)
    for route in routes.order_by("position", "pk").select_related("provider_service__provider"):
        by_service[route.service_id].append(route)
    return [
        (service, [route_terms(route, service.type, rates_before) for route in by_service[service.pk]])
        for service in services
    ]


def route_terms(route: Route, type_: str, rates_before: Mapping[int, Decimal] = {}) -> RouteTerms:
    """Return what a route of a service of this type leads to, in our terms."""
    theirs = route.provider_service
    # Of what is counted by lines or posts, or is a package, a provider is asked for as many as we are.
    is_given = RULES[OrderType(type_)].quantity is Quantity.GIVEN
    of_each = markup.ordered_of_each(route.multiplier, route.overflow_percent) if is_given else Decimal(1)
    return RouteTerms(
        terms=ServiceTerms(
            rate=markup.cost(theirs.rate, theirs.provider.exchange_rate, of_each),
            min=markup.least_of_ours(theirs.min, of_each),
            max=markup.most_of_ours(theirs.max, of_each),
            name=theirs.name,
            description=theirs.description,
            refill=theirs.refill,
            cancel=theirs.cancel,
            dripfeed=theirs.dripfeed,
        ),
        follows=frozenset(route.follows),
        markup_percent=route.markup_percent,
        rate_decimals=route.rate_decimals,
        rise_percent=markup.rise_percent(rates_before.get(theirs.pk, theirs.rate), theirs.rate),
        rise_percent_max=theirs.provider.price_rise_percent_max,
        is_delisted=theirs.is_delisted,
    )


def _write(terms: Mapping[int, ServiceTerms]) -> None:
    _execute(_FOLLOW, [{"id": id_, **msgspec.structs.asdict(each)} for id_, each in terms.items()])


def _quarantine(why: Mapping[int, str]) -> None:
    _execute(_QUARANTINE, [{"id": id_, "why": text[:REASON_CHARS_MAX]} for id_, text in why.items()])


def _execute(query: str, rows: Sequence[object]) -> None:
    """Run a statement for rows, if there are any: each one counts the catalog's version up."""
    if rows:
        engine_connection().execute(query, [msgspec.json.encode(rows).decode()])
