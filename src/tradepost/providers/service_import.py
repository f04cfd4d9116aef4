"""Import a provider's services as services of this desk, each with a route. No provider service is imported twice."""

from collections.abc import Collection, Sequence
from decimal import Decimal

import msgspec
from django.db import transaction

from tradepost.catalog.models import Category, Service
from tradepost.engine.exceptions import TradepostError
from tradepost.engine.link_rules import LinkKind
from tradepost.engine.order_types import OrderType
from tradepost.engine.routing import Fulfilment
from tradepost.providers import markup, service_sync
from tradepost.providers.models import ProviderService, Route
from tradepost_client import order_type

CATEGORY_CHARS_MAX = 200
ABOUT_WEB_PAGES = (OrderType.WEB_TRAFFIC, OrderType.SEO)


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to import services. Without a category, each service gets one named like its category at the provider."""

    category: int | None = None
    new_category: str = ""
    markup_percent: Decimal = Decimal(0)
    rate_decimals: int = 4
    follows: Sequence[str] = ()


class ImportResult(msgspec.Struct, frozen=True):
    """The services made, the number of services that were imported before, and why others can't be imported."""

    services: list[int]
    already: int
    refused: list[str]


class _ImportRefusedError(TradepostError):
    """This desk can't sell the service; the message says why. Never leaves this module."""


def import_services(offers: Collection[int], options: ImportOptions) -> ImportResult:
    """Import these provider services. Those that already have a route are left out."""
    with transaction.atomic():
        locked = (
            ProviderService.objects.filter(pk__in=offers).order_by("category", "pk").select_for_update(of=("self",))
        )
        selected = list(locked.select_related("provider"))
        routed = set(Route.objects.filter(provider_service__in=selected).values_list("provider_service", flat=True))
        routes: list[Route] = []
        refused: list[str] = []
        for offer in selected:
            if offer.pk not in routed:
                try:
                    routes.append(_route(offer, options))
                except _ImportRefusedError as error:
                    refused.append(f"{offer}: {error}")
        _write(routes, options)
    return ImportResult([route.service_id for route in routes], len(routed), refused)


def _route(offer: ProviderService, options: ImportOptions) -> Route:
    """Return a route and its service, neither of them stored yet. Raises `_ImportRefusedError`."""
    if offer.is_delisted:
        raise _ImportRefusedError("its provider does not list it any more")
    order = order_type(offer.type)
    if order is None:
        raise _ImportRefusedError(f"orders of the type {offer.type} are unknown here")
    type_ = OrderType(order.type)
    route = Route(
        provider_service=offer,
        follows=list(options.follows),
        markup_percent=options.markup_percent,
        rate_decimals=options.rate_decimals,
    )
    terms = service_sync.route_terms(route, type_).followed_terms
    if terms.rate > markup.RATE_MAX:
        raise _ImportRefusedError("what it would cost is more than a rate can be")
    route.service = Service(
        **msgspec.structs.asdict(terms),
        type=type_.value,
        average_time=offer.average_time,
        fulfilment=Fulfilment.PROVIDER.value,
        link_kind=link_kind_of(type_).value,
    )
    return route


def link_kind_of(type_: OrderType) -> LinkKind:
    """Return the kind of link that a new service of this type asks for, since providers' lists don't say."""
    return LinkKind.ADDRESS if type_ in ABOUT_WEB_PAGES else LinkKind.EITHER


def _write(routes: Sequence[Route], options: ImportOptions) -> None:
    names = [_category_of(route.provider_service, options) for route in routes]
    categories = _categories(names, options)
    for position, (route, name) in enumerate(zip(routes, names, strict=True)):
        route.service.category = categories[name]
        route.service.position = position
    Service.objects.bulk_create([route.service for route in routes])
    for route in routes:
        route.service_id = route.service.pk
    Route.objects.bulk_create(routes)


def _category_of(offer: ProviderService, options: ImportOptions) -> str:
    return options.new_category or offer.category[:CATEGORY_CHARS_MAX] or offer.provider.name


def _categories(names: Sequence[str], options: ImportOptions) -> dict[str, Category]:
    """Return the category for each name; create the categories that don't exist."""
    if options.category and not options.new_category:
        return dict.fromkeys(names, Category.objects.get(pk=options.category))
    existing = set(Category.objects.filter(name__in=names).values_list("name", flat=True))
    last = Category.objects.order_by("-position").values_list("position", flat=True).first() or 0
    missing = dict.fromkeys(name for name in names if name not in existing)
    created = [Category(name=name, position=last + number) for number, name in enumerate(missing, 1)]
    Category.objects.bulk_create(created, ignore_conflicts=True)  # another import may be making the same one
    return {category.name: category for category in Category.objects.filter(name__in=names)}
