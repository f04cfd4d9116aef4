"""How the engine changes orders: lock them, change them in memory, write them back with an event for every move.

Every transaction locks in the same sequence: orders in id order, then ledger accounts (docs/architecture.md, money). A
child order (a run of a drip-feed, a post of a subscription) is locked after its parent, whose id is lower. So a
transaction that holds the parent's lock also controls the child orders.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays
from tradepost.engine.actors import actor_label
from tradepost.engine.statuses import DISPATCH_TRANSITIONS, NOT_LEFT, Dispatch, Status

NOTE_CHARS_MAX = 200


class Order(msgspec.Struct):
    """An order whose row is locked.

    A child order has `parent` and `part` (its number, from 1). A drip-feed or subscription has `parts` (how many child
    orders are paid for).
    """

    id: int
    account: int
    service: int
    status: Status
    dispatch: Dispatch
    quantity: int
    charge: Decimal
    refunded: Decimal
    start_count: int | None
    remains: int
    parent: int | None
    part: int | None
    parts: int | None

    @property
    def is_dripfeed(self) -> bool:
        """Whether the order is a drip-feed, whose runs are fulfilled instead of the order itself."""
        return self.dispatch == Dispatch.RUNS

    @property
    def has_not_left(self) -> bool:
        """Whether nobody has begun to fulfil the order."""
        return self.status is Status.PENDING and self.dispatch in NOT_LEFT


class Move(msgspec.Struct, frozen=True):
    """A change of an order's status or dispatch, to be written as an event."""

    order: Order
    was: Status
    to: Status
    note: str = ""
    was_dispatch: Dispatch | None = None  # None: the dispatch has not changed


_COLUMNS = """id, account_id, service_id, status, dispatch, quantity, charge, refunded, start_count, remains,
    parent_id, part, parts"""

_LOCK = f"""
SELECT {_COLUMNS} FROM orders_order
WHERE id = ANY(ARRAY(
    SELECT unnest(%s::bigint[])
    UNION SELECT parent_id FROM orders_order WHERE id = ANY(%s::bigint[]) AND parent_id IS NOT NULL
))
ORDER BY id FOR UPDATE
"""

_LOCK_PARTS = f"SELECT {_COLUMNS} FROM orders_order WHERE parent_id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE"

_WRITE = """
UPDATE orders_order o
SET status = new.status, dispatch = new.dispatch, start_count = new.start_count, remains = new.remains,
    refunded = new.refunded, updated_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::numeric[])
  AS new (id, status, dispatch, start_count, remains, refunded)
WHERE o.id = new.id
"""

_WRITE_EVENTS = """
INSERT INTO orders_orderevent (order_id, account_id, actor, from_status, to_status, from_dispatch, to_dispatch, note)
SELECT order_id, account_id, %s, from_status, to_status, from_dispatch, to_dispatch, note
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
  AS new (order_id, account_id, from_status, to_status, from_dispatch, to_dispatch, note)
"""


def lock(connection: Connection, ids: Collection[int]) -> dict[int, Order]:
    """Lock these orders, and the parents of child orders, in id order. Return all of them by id."""
    given = arrays.of_numbers(ids)
    return _orders(Cursor(connection).execute(_LOCK, [given, given], prepare=True))


def lock_parts(connection: Connection, parents: Collection[int]) -> dict[int, Order]:
    """Lock every child order of these parents, in id order, and return them by id. The parents must be locked."""
    return _orders(Cursor(connection).execute(_LOCK_PARTS, [arrays.of_numbers(parents)], prepare=True))


def move_dispatch(order: Order, to: Dispatch, note: str = "") -> Move:
    """Change an order's dispatch in memory and return the move to write.

    Raises `ValueError` if `DISPATCH_TRANSITIONS` does not allow the change.
    """
    was = order.dispatch
    if to not in DISPATCH_TRANSITIONS[was]:
        raise ValueError(f"order {order.id} is {was}: it can't become {to}")
    order.dispatch = to
    return Move(order, order.status, order.status, note, was_dispatch=was)


def write(connection: Connection, orders: Sequence[Order], moves: Sequence[Move], *, actor: str) -> None:
    """Write the orders to the database, and an event for each move."""
    cursor = Cursor(connection)
    cursor.execute(
        _WRITE,
        [
            arrays.of_numbers(order.id for order in orders),
            arrays.of_texts(order.status for order in orders),
            arrays.of_texts(order.dispatch for order in orders),
            arrays.of_numbers(order.start_count for order in orders),
            arrays.of_numbers(order.remains for order in orders),
            arrays.of_numbers(order.refunded for order in orders),
        ],
        prepare=True,
    )
    if moves:
        columns = [
            arrays.of_numbers(move.order.id for move in moves),
            arrays.of_numbers(move.order.account for move in moves),
            arrays.of_texts(move.was for move in moves),
            arrays.of_texts(move.to for move in moves),
            arrays.of_texts(move.was_dispatch or move.order.dispatch for move in moves),
            arrays.of_texts(move.order.dispatch for move in moves),
            arrays.of_texts(move.note[:NOTE_CHARS_MAX] for move in moves),
        ]
        cursor.execute(_WRITE_EVENTS, [actor_label(actor), *columns], prepare=True)


def _orders(rows: Cursor) -> dict[int, Order]:
    return {row[0]: Order(row[0], row[1], row[2], Status(row[3]), Dispatch(row[4]), *row[5:]) for row in rows}
