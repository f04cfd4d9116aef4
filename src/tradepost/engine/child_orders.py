"""Orders made of parts: the runs of a drip-feed, the posts of a subscription (decision 10).

The parent is charged in full when it is placed; each part is an order that stands for its share of that charge, so the
shares of all parts add up to it. What is given back for a part moves on the parent, told apart by the part's number:
all refunds together can never be more than the parent's charge, and the database holds them to it.
"""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, money
from tradepost.engine.orders import Move, Order
from tradepost.engine.statuses import ACTIVE, Status


class PartCounts(msgspec.Struct, frozen=True):
    """What has become of a parent's parts so far. `missing` is what those that were made did not deliver."""

    count: int = 0
    active: int = 0
    completed: int = 0
    canceled: int = 0
    start_count: int | None = None
    missing: int = 0


_COUNTS = """
SELECT c.parent_id, count(*), count(*) FILTER (WHERE c.status = ANY(%s)),
       count(*) FILTER (WHERE c.status = 'Completed'), count(*) FILTER (WHERE c.status = 'Canceled'),
       (array_agg(c.start_count ORDER BY c.part))[1],
       sum((p.quantity / p.parts)::numeric * c.remains / c.quantity)::bigint
FROM orders_order c JOIN orders_order p ON p.id = c.parent_id
WHERE c.parent_id = ANY(%s::bigint[])
GROUP BY c.parent_id
"""

_LAST = "SELECT parent_id, max(part) FROM orders_order WHERE parent_id = ANY(%s::bigint[]) GROUP BY parent_id"

_RUNNING = "SELECT order_id FROM orders_dripfeed WHERE order_id = ANY(%s::bigint[]) AND due_at IS NOT NULL"


def share(charge: Decimal, part: int, parts: int) -> Decimal:
    """Return what one part, counted from 1, stands for."""
    return money.share_of(charge, part, parts) - money.share_of(charge, part - 1, parts)


def unused(charge: Decimal, made: int, parts: int) -> Decimal:
    """Return what the parts after the first `made` stand for: given back when they will never be made."""
    return charge - money.share_of(charge, made, parts)


def count_parts(connection: Connection, parents: Collection[int]) -> dict[int, int]:
    """Return how many parts of each of these orders have been made."""
    rows = Cursor(connection).execute(_LAST, [arrays.of_numbers(parents)], prepare=True)
    return dict.fromkeys(parents, 0) | dict(rows.fetchall())


def find_running(connection: Connection, parents: Iterable[int]) -> set[int]:
    """Return which of these drip-feeds have another run coming."""
    rows = Cursor(connection).execute(_RUNNING, [arrays.of_numbers(parents)], prepare=True)
    return {row[0] for row in rows}


def roll_up(connection: Connection, parents: Sequence[Order]) -> list[Move]:
    """Bring parents, whose rows are locked, up to where their parts stand; return the moves of drip-feeds among them.

    A subscription's status is its watcher's to tell, only its numbers follow from its posts.
    """
    ids = [parent.id for parent in parents]
    rows = Cursor(connection).execute(_COUNTS, [list(ACTIVE), arrays.of_numbers(ids)], prepare=True)
    found = {row[0]: PartCounts(*row[1:]) for row in rows}
    still_running = find_running(connection, ids)
    moves = []
    for parent in parents:
        made, was = found.get(parent.id, PartCounts()), parent.status
        _count(parent, made)
        if parent.is_dripfeed:
            parent.status = _status(parent, made, is_running=parent.id in still_running)
        if parent.status is not was:
            moves.append(Move(parent, was, parent.status))
    return moves


def _count(parent: Order, made: PartCounts) -> None:
    assert parent.parts, "a parent has parts"
    parent.start_count = made.start_count
    parent.remains = parent.quantity // parent.parts * (parent.parts - made.count) + made.missing


def _status(parent: Order, made: PartCounts, *, is_running: bool) -> Status:
    """Return where a drip-feed stands: it ends when no run is to come and every run is over."""
    if is_running or made.active:
        return Status.IN_PROGRESS if made.count else Status.PENDING
    if made.canceled == made.count:
        return Status.CANCELED
    return Status.COMPLETED if made.completed == parent.parts else Status.PARTIAL
