"""Duplicate services and categories. A copy has the original's routes, but is off sale and has no custom rates."""

from collections.abc import Sequence
from itertools import chain, count

from django.db import transaction
from django.db.models import F

from tradepost.catalog.models import Category, Service
from tradepost.providers.models import Route

MARK = " (copy)"


def duplicate_service(service: Service) -> Service:
    """Copy a service. The copy follows the original in its category."""
    with transaction.atomic():
        later = Service.objects.filter(category=service.category_id, position__gt=service.position)
        later.update(position=F("position") + 1)
        [copy] = _copy([service], service.category_id)
        Service.objects.filter(pk=copy.pk).update(
            position=service.position + 1, name=_marked(service.name, MARK, Service)
        )
    copy.refresh_from_db()
    return copy


def duplicate_category(category: Category) -> Category:
    """Copy a category and its services. The copy is the last category."""
    with transaction.atomic():
        last = Category.objects.order_by("-position").values_list("position", flat=True)[0]
        copy = Category.objects.create(name=_free_name(category.name), position=last + 1)
        _copy(list(category.services.order_by("position", "pk")), copy.pk)
    return copy


def _copy(services: Sequence[Service], category: int) -> list[Service]:
    """Store copies of the services and of their routes, with one statement for each of the two tables."""
    routes = list(Route.objects.filter(service__in=services).order_by("pk"))
    copies = {service.pk: _copy_of(service, category) for service in services}
    Service.objects.bulk_create(copies.values())
    for route in routes:
        route.service_id = copies[route.service_id].pk
        route.pk = None
        route._state.adding = True  # noqa: SLF001 - Django's documented way to copy a row
    Route.objects.bulk_create(routes)
    return list(copies.values())


def _copy_of(service: Service, category: int) -> Service:
    names = [field.attname for field in Service._meta.concrete_fields]  # noqa: SLF001 - documented
    values = {name: getattr(service, name) for name in names}
    return Service(**{**values, "id": None, "category_id": category, "is_active": False, "quarantine": ""})


def _marked(name: str, mark: str, model: type[Service | Category]) -> str:
    chars_max = model._meta.get_field("name").max_length  # noqa: SLF001 - documented
    assert chars_max, "the name of both models has a max_length"
    return name[: chars_max - len(mark)] + mark


def _free_name(name: str) -> str:
    """Return a name that no category has: with `(copy)`, or else with `(copy 2)` and so on."""
    taken = set(Category.objects.values_list("name", flat=True))
    marks = chain([MARK], (f" (copy {number})" for number in count(2)))
    return next(free for mark in marks if (free := _marked(name, mark, Category)) not in taken)
