"""Services of a provider made services of ours: each with a route, all at once, and none of them twice."""

from collections.abc import Collection, Sequence
from decimal import Decimal

import msgspec
from django.db import transaction

from tradepost.catalog.models import Category, Service
from tradepost.engine.exceptions import TradepostError
from tradepost.engine.order_types import OrderType
from tradepost.engine.routing import Fulfilment
from tradepost.providers import markup, service_sync
from tradepost.providers.models import ProviderService, Route

CATEGORY_CHARS_MAX = 200

_TYPES = {type_.value.casefold(): type_ for type_ in OrderType}


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How services are to be imported; without a category each gets one of its provider's name for it."""

    category: int | None = None
    new_category: str = ""
    markup_percent: Decimal = Decimal(0)
    rate_decimals: int = 4
    follows: Sequence[str] = ()


class Imported(msgspec.Struct, frozen=True):
    """What became of an import: the services made, how many were imported before, and why others can't be."""

    services: list[int]
    already: int
    refused: list[str]


class _RefusedError(TradepostError):
    """It can't be sold here; the message says why."""


def import_services(offers: Collection[int], wish: ImportOptions) -> Imported:
    """Make services of these provider services; those that a service of ours has a route to are left."""
    with transaction.atomic():
        locked = (
            ProviderService.objects.filter(pk__in=offers).order_by("category", "pk").select_for_update(of=("self",))
        )
        chosen = list(locked.select_related("provider"))
        routed = set(Route.objects.filter(provider_service__in=chosen).values_list("provider_service", flat=True))
        routes: list[Route] = []
        refused: list[str] = []
        for offer in chosen:
            if offer.pk not in routed:
                try:
                    routes.append(_route(offer, wish))
                except _RefusedError as why:
                    refused.append(f"{offer}: {why}")
        _write(routes, wish)
    return Imported([route.service_id for route in routes], len(routed), refused)


def _route(offer: ProviderService, wish: ImportOptions) -> Route:
    """Return a route to an offer and its service, neither written yet. Raises `_RefusedError`."""
    if offer.is_delisted:
        raise _RefusedError("its provider does not list it any more")
    type_ = _TYPES.get(offer.type.casefold())
    if type_ is None:
        raise _RefusedError(f"orders of the type {offer.type} are unknown here")
    route = Route(
        provider_service=offer,
        follows=list(wish.follows),
        markup_percent=wish.markup_percent,
        rate_decimals=wish.rate_decimals,
    )
    asked = service_sync.route_terms(route, type_).asked
    if asked.rate > markup.RATE_MAX:
        raise _RefusedError("what it would cost is more than a rate can be")
    route.service = Service(
        **msgspec.structs.asdict(asked),
        type=type_.value,
        average_time=offer.average_time,
        fulfilment=Fulfilment.PROVIDER.value,
    )
    return route


def _write(routes: Sequence[Route], wish: ImportOptions) -> None:
    names = [_category_of(route.provider_service, wish) for route in routes]
    categories = _categories(names, wish)
    for position, (route, name) in enumerate(zip(routes, names, strict=True)):
        route.service.category = categories[name]
        route.service.position = position
    Service.objects.bulk_create([route.service for route in routes])
    for route in routes:
        route.service_id = route.service.pk
    Route.objects.bulk_create(routes)


def _category_of(offer: ProviderService, wish: ImportOptions) -> str:
    return wish.new_category or offer.category[:CATEGORY_CHARS_MAX] or offer.provider.name


def _categories(names: Sequence[str], wish: ImportOptions) -> dict[str, Category]:
    """Return the category for each name, made where there is none."""
    if wish.category and not wish.new_category:
        return dict.fromkeys(names, Category.objects.get(pk=wish.category))
    there = set(Category.objects.filter(name__in=names).values_list("name", flat=True))
    last = Category.objects.order_by("-position").values_list("position", flat=True).first() or 0
    missing = dict.fromkeys(name for name in names if name not in there)
    made = [Category(name=name, position=last + number) for number, name in enumerate(missing, 1)]
    Category.objects.bulk_create(made, ignore_conflicts=True)  # another import may be making the same one
    return {category.name: category for category in Category.objects.filter(name__in=names)}
