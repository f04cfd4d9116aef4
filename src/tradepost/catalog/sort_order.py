"""The order of categories, and of services within them: rows of a page dragged, or told the place they are to be at."""

from collections.abc import Mapping, Sequence

from django.db.models import Max

from tradepost.catalog.models import Category, Service
from tradepost.database import engine_connection
from tradepost.engine.exceptions import TradepostError

_PLACE = """
UPDATE {table} AS kept SET position = told.place
FROM unnest(%s::bigint[]) WITH ORDINALITY AS told (id, place) WHERE kept.id = told.id AND kept.position <> told.place
"""
_MOVE = """
UPDATE catalog_service AS kept SET category_id = %s, position = %s + told.place
FROM unnest(%s::bigint[]) WITH ORDINALITY AS told (id, place) WHERE kept.id = told.id
"""


class StaleSortOrderError(TradepostError):
    """The rows are others than those that were arranged; nothing has been done."""


def arranged(all_: Sequence[int], page: Sequence[int], order: Sequence[int], places: Mapping[int, int]) -> list[int]:
    """Return the order of all rows once those of a page are in the order given, and some at places, from 1.

    Raises `StaleSortOrderError` if the page's rows are not what they were.
    """
    if sorted(order) != sorted(page) or not set(page) <= set(all_):
        raise StaleSortOrderError
    start = all_.index(page[0]) if page else 0
    if list(all_[start : start + len(page)]) != list(page):
        raise StaleSortOrderError
    result = [*all_[:start], *order, *all_[start + len(page) :]]
    for id_, place in sorted(places.items(), key=lambda told: told[1]):
        result.remove(id_)
        result.insert(place - 1, id_)
    return result


def categories() -> list[int]:
    """Lock the categories, and return them in their order."""
    rows = Category.objects.order_by("pk").select_for_update().values_list("position", "pk")
    return [id_ for _, id_ in sorted(rows)]


def services(category: int) -> list[int]:
    """Lock the services of a category, and return them in their order."""
    rows = Service.objects.filter(category=category).order_by("pk").select_for_update().values_list("position", "pk")
    return [id_ for _, id_ in sorted(rows)]


def place_categories(order: Sequence[int]) -> None:
    """Write the order of categories, in one statement."""
    engine_connection().execute(_PLACE.format(table="catalog_category"), [list(order)])


def place_services(order: Sequence[int]) -> None:
    """Write the order of a category's services, in one statement."""
    engine_connection().execute(_PLACE.format(table="catalog_service"), [list(order)])


def move(services: Sequence[int], category: int) -> None:
    """Put services under another category, behind those that are there, in one statement."""
    last = Service.objects.filter(category=category).aggregate(last=Max("position"))["last"] or 0
    engine_connection().execute(_MOVE, [category, last, list(services)])
