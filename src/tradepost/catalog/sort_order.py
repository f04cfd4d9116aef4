"""The order of categories, and of services within a category. Staff drags rows, or types the place of a row."""

from collections.abc import Mapping, Sequence

from django.db.models import Max

from tradepost.catalog.models import Category, Service
from tradepost.database import engine_connection
from tradepost.engine.exceptions import TradepostError

_PLACE = """
UPDATE {table} AS old SET position = new.place
FROM unnest(%s::bigint[]) WITH ORDINALITY AS new (id, place) WHERE old.id = new.id AND old.position <> new.place
"""
_MOVE = """
UPDATE catalog_service AS old SET category_id = %s, position = %s + new.place
FROM unnest(%s::bigint[]) WITH ORDINALITY AS new (id, place) WHERE old.id = new.id
"""


class StaleOrderError(TradepostError):
    """The rows changed after the page was shown. Nothing was moved."""


def rearranged(all_: Sequence[int], page: Sequence[int], order: Sequence[int], places: Mapping[int, int]) -> list[int]:
    """Return the new order of all rows (ids).

    1. The rows of `page` come into the order `order`.
    2. The rows in `places` move to their place among all rows, counted from 1.

    Raises `StaleOrderError` if the rows of the page are no longer next to each other in this order.
    """
    if sorted(order) != sorted(page) or not set(page) <= set(all_):
        raise StaleOrderError
    start = all_.index(page[0]) if page else 0
    if list(all_[start : start + len(page)]) != list(page):
        raise StaleOrderError
    result = [*all_[:start], *order, *all_[start + len(page) :]]
    for id_, place in sorted(places.items(), key=lambda item: item[1]):
        result.remove(id_)
        result.insert(place - 1, id_)
    return result


def lock_categories() -> list[int]:
    """Lock the categories, and return their ids in order."""
    rows = Category.objects.order_by("pk").select_for_update().values_list("position", "pk")
    return [id_ for _, id_ in sorted(rows)]


def lock_services(category: int) -> list[int]:
    """Lock the services of a category, and return their ids in order."""
    rows = Service.objects.filter(category=category).order_by("pk").select_for_update().values_list("position", "pk")
    return [id_ for _, id_ in sorted(rows)]


def place_categories(order: Sequence[int]) -> None:
    """Write the order of categories, in one statement."""
    engine_connection().execute(_PLACE.format(table="catalog_category"), [list(order)])


def place_services(order: Sequence[int]) -> None:
    """Write the order of a category's services, in one statement."""
    engine_connection().execute(_PLACE.format(table="catalog_service"), [list(order)])


def move_services(services: Sequence[int], category: int) -> None:
    """Move services to the end of another category, in one statement."""
    last = Service.objects.filter(category=category).aggregate(last=Max("position"))["last"] or 0
    engine_connection().execute(_MOVE, [category, last, list(services)])
