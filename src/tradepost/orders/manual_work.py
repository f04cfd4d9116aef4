"""Work by hand: who is at which order of a service that people fulfil, and what they report of it.

Taking an order is a row under a unique key, so of two people who take the same one, one has it. What is reported goes
through the engine, like any provider's report.
"""

from psycopg import Connection, Cursor

from tradepost.engine import settling
from tradepost.engine.settling import Report, SettleResult
from tradepost.engine.statuses import ACTIVE, Dispatch

TRIES_MAX = 20  # to take the next order, each of them lost to somebody else

_FREE = """
SELECT o.id FROM orders_order o
WHERE o.dispatch = %(by_hand)s AND o.status = ANY(%(active)s)
  AND (%(service)s::bigint IS NULL OR o.service_id = %(service)s)
  AND NOT EXISTS (SELECT FROM orders_orderassignment t WHERE t.order_id = o.id)
ORDER BY o.id LIMIT 1
"""

_TAKE = """
INSERT INTO orders_orderassignment (order_id, assignee_id)
SELECT o.id, %s FROM orders_order o WHERE o.id = %s AND o.dispatch = %s AND o.status = ANY(%s)
ON CONFLICT DO NOTHING RETURNING order_id
"""

_HOLD = "SELECT order_id FROM orders_orderassignment WHERE order_id = %s AND assignee_id = %s FOR UPDATE"

_RELEASE = "DELETE FROM orders_orderassignment WHERE order_id = %s AND assignee_id = %s RETURNING order_id"

_FORGET = """
DELETE FROM orders_orderassignment t USING orders_order o WHERE o.id = t.order_id AND NOT o.status = ANY(%s)
"""


def take(connection: Connection, order: int, by: int) -> bool:
    """Take an order that waits to be fulfilled by hand; tell whether it is one, and nobody had it."""
    told = [by, order, Dispatch.NONE.value, _active()]
    return Cursor(connection).execute(_TAKE, told).fetchone() is not None


def take_next(connection: Connection, by: int, service: int | None = None) -> int | None:
    """Take the oldest order that nobody is at, of one service or of any; return it, or None if there is none."""
    asked = {"by_hand": Dispatch.NONE.value, "active": _active(), "service": service}
    for _ in range(TRIES_MAX):
        found = Cursor(connection).execute(_FREE, asked).fetchone()
        if found is None:
            return None
        if take(connection, found[0], by):
            return int(found[0])
    return None


def release(connection: Connection, order: int, by: int) -> bool:
    """Let others take an order; tell whether one had it."""
    return Cursor(connection).execute(_RELEASE, [order, by]).fetchone() is not None


def report(connection: Connection, told: Report, by: int, *, actor: str) -> SettleResult | None:
    """Report on an order that one is at; None if one is not. An order that is over is let go."""
    if Cursor(connection).execute(_HOLD, [told.order, by]).fetchone() is None:
        return None
    [outcome] = settling.settle(connection, [told], actor=actor)
    if told.status not in ACTIVE or outcome is SettleResult.NOT_ALLOWED:
        release(connection, told.order, by)
    return outcome


def forget_ended(connection: Connection) -> None:
    """Let go of orders that ended otherwise, since their customers canceled them for one."""
    Cursor(connection).execute(_FORGET, [_active()])


def _active() -> list[str]:
    return [status.value for status in ACTIVE]
