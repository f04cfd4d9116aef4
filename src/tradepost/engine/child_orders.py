"""Orders made of parts: the runs of a drip-feed, the posts of a subscription (decision 10).

The customer pays the parent's full charge when the order is placed. Each part is an order with a share of that charge;
all shares add up to the charge. A part's refund is posted on the parent, with the part's number. The database checks
that all refunds together are never more than the parent's charge.
"""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, money
from tradepost.engine.orders import Move, Order
from tradepost.engine.statuses import ACTIVE, Status


class PartCounts(msgspec.Struct, frozen=True):
    """The numbers of a parent's parts so far. `missing` is the undelivered quantity of the parts made."""

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
    """Return the charge of one part, counted from 1."""
    return money.share_of(charge, part, parts) - money.share_of(charge, part - 1, parts)


def unused(charge: Decimal, made: int, parts: int) -> Decimal:
    """Return the charge of the parts after the first `made`. If they will never be made, it is refunded."""
    return charge - money.share_of(charge, made, parts)


def count_parts(connection: Connection, parents: Collection[int]) -> dict[int, int]:
    """Return the number of parts made, by parent."""
    rows = Cursor(connection).execute(_LAST, [arrays.of_numbers(parents)], prepare=True)
    return dict.fromkeys(parents, 0) | dict(rows.fetchall())


def find_running(connection: Connection, parents: Iterable[int]) -> set[int]:
    """Return the drip-feeds that have another run to come."""
    rows = Cursor(connection).execute(_RUNNING, [arrays.of_numbers(parents)], prepare=True)
    return {row[0] for row in rows}


def roll_up(connection: Connection, parents: Sequence[Order]) -> list[Move]:
    """Update parents, whose rows are locked, from their parts; return the moves of the drip-feeds.

    Only a subscription's numbers follow from its posts. The code that watches the subscription sets its status.
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
    """Return the status of a drip-feed. It ends if no run is to come and every run has ended."""
    if is_running or made.active:
        return Status.IN_PROGRESS if made.count else Status.PENDING
    if made.canceled == made.count:
        return Status.CANCELED
    return Status.COMPLETED if made.completed == parent.parts else Status.PARTIAL
