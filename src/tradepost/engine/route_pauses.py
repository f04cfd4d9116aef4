"""Pauses of routes: a provider refuses a service, and the other services of the provider go on.

A row exists while a route is in doubt. Until `until` no order goes along the route; after that, one order at a time
tries it. The first order that the provider accepts ends the pause. If `until` is NULL, the route is open, and the row
only counts refusals that nobody can explain.
"""

from collections.abc import Collection
from datetime import timedelta

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays
from tradepost.engine.refusals import RefusalMeaning

OFF_WAIT = timedelta(minutes=1)  # doubled with each try
UNEXPLAINED_WAIT = timedelta(minutes=2)  # doubled with each try
WAIT_MAX = timedelta(minutes=30)
ORDERS_MIN = 2  # one order that is refused again and again proves nothing about the others
ORDERS_KEPT_MAX = 100
REASON_CHARS_MAX = 300


class Streak(msgspec.Struct, frozen=True):
    """Unexplained refusals along a route since the last accepted order, and the orders that they hit."""

    refusals: int
    orders: list[int]
    is_paused: bool


_END = "DELETE FROM providers_routepause WHERE route_id = ANY(%s::bigint[]) RETURNING until IS NOT NULL"

_PAUSE = """
INSERT INTO providers_routepause AS p (route_id, meaning, reason, tries, until)
VALUES (%(route)s, %(meaning)s, %(reason)s, 1, now() + %(wait)s)
ON CONFLICT (route_id) DO UPDATE
SET meaning = excluded.meaning, reason = excluded.reason, tries = least(p.tries + 1, 20),
    until = now() + least(%(wait)s * power(2, least(p.tries, 20)), %(longest)s)
WHERE p.until IS NULL OR p.until <= now()
"""

_COUNT = """
INSERT INTO providers_routepause AS p (route_id, meaning, reason, refusals, orders)
VALUES (%(route)s, 'unknown', %(reason)s, 1, ARRAY[%(order)s::bigint])
ON CONFLICT (route_id) DO UPDATE
SET reason = excluded.reason, refusals = p.refusals + 1,
    orders = CASE WHEN p.orders @> excluded.orders OR cardinality(p.orders) >= %(most)s THEN p.orders
                  ELSE p.orders || excluded.orders END
RETURNING refusals, orders, until IS NOT NULL
"""


def end(connection: Connection, routes: Collection[int]) -> bool:
    """End the pauses and counts of these routes: the provider accepts orders, or a person wants the routes to be tried.

    Return whether any of the routes was paused.
    """
    if not routes:
        return False
    rows = Cursor(connection).execute(_END, [arrays.of_numbers(routes)], prepare=True).fetchall()
    return any(was_paused for (was_paused,) in rows)


def pause(connection: Connection, route: int, meaning: RefusalMeaning, reason: str) -> None:
    """Pause a route, longer each time: up to `WAIT_MAX`. A route that is paused already stays as it is."""
    wait = UNEXPLAINED_WAIT if meaning is RefusalMeaning.UNKNOWN else OFF_WAIT
    parameters = {
        "route": route,
        "meaning": meaning.value,
        "reason": reason[:REASON_CHARS_MAX],
        "wait": wait,
        "longest": WAIT_MAX,
    }
    Cursor(connection).execute(_PAUSE, parameters)


def count_unexplained(connection: Connection, route: int, order: int, reason: str) -> Streak:
    """Count a refusal that nobody can explain, and return the refusals since the last accepted order."""
    parameters = {"route": route, "order": order, "reason": reason[:REASON_CHARS_MAX], "most": ORDERS_KEPT_MAX}
    [row] = Cursor(connection).execute(_COUNT, parameters).fetchall()
    return Streak(*row)
