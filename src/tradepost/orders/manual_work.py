"""Work by hand: staff take orders of services that people fulfil, and report their progress.

Taking an order inserts a row under a unique key, so if two people take the same order, only one gets it. Reports go
through the engine like a provider's.
"""

from psycopg import Connection, Cursor

from tradepost.engine import settling
from tradepost.engine.settling import Report, SettleResult
from tradepost.engine.statuses import ACTIVE, Dispatch

TRIES_MAX = 20  # to take the next order; a try is lost if another person takes the order first

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

_RELEASE_ENDED = """
DELETE FROM orders_orderassignment t USING orders_order o WHERE o.id = t.order_id AND NOT o.status = ANY(%s)
"""


def take(connection: Connection, order: int, by: int) -> bool:
    """Assign an order to `by`. Return False if somebody has the order, or it needs no work by hand."""
    parameters = [by, order, Dispatch.NONE.value, _active()]
    return Cursor(connection).execute(_TAKE, parameters).fetchone() is not None


def take_next(connection: Connection, by: int, service: int | None = None) -> int | None:
    """Assign the oldest free order, of one service or of any, to `by`. Return its id; None if no order is free."""
    parameters = {"by_hand": Dispatch.NONE.value, "active": _active(), "service": service}
    for _ in range(TRIES_MAX):
        row = Cursor(connection).execute(_FREE, parameters).fetchone()
        if row is None:
            return None
        if take(connection, row[0], by):
            return int(row[0])
    return None


def release(connection: Connection, order: int, by: int) -> bool:
    """End the assignment of an order to `by`, so that others can take it. Return False if `by` didn't have it."""
    return Cursor(connection).execute(_RELEASE, [order, by]).fetchone() is not None


def report(connection: Connection, progress: Report, by: int, *, actor: str) -> SettleResult | None:
    """Report progress on an order assigned to `by`; return None if it isn't. Release the order once it has ended."""
    if Cursor(connection).execute(_HOLD, [progress.order, by]).fetchone() is None:
        return None
    [outcome] = settling.settle(connection, [progress], actor=actor)
    if progress.status not in ACTIVE or outcome is SettleResult.NOT_ALLOWED:
        release(connection, progress.order, by)
    return outcome


def release_ended(connection: Connection) -> None:
    """Release the orders that ended in another way than by a report, such as by their customer's cancel."""
    Cursor(connection).execute(_RELEASE_ENDED, [_active()])


def _active() -> list[str]:
    return [status.value for status in ACTIVE]
