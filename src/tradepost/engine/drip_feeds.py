"""Drip-feeds: orders that run several times. Each run is a separate order, created when it is due.

1. Lock the drip-feeds whose next run is due; skip those that another transaction has locked.
2. Write an order for each run: the same link and parameters, a run's quantity, a share of the charge (`child_orders`).
3. Set when the next run is due.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, child_orders, dispatch_queue, orders, routing
from tradepost.engine.dispatch_queue import QueuedOrder
from tradepost.engine.placing import Mode
from tradepost.engine.statuses import Dispatch, Status

ACTOR = "drip-feed"
BATCH = 1_000
ON_TIME = timedelta(minutes=1)  # the unit of intervals


class _Run(msgspec.Struct, frozen=True):
    """A run that is due. `part` is its number in the drip-feed, counted from 1."""

    part: int
    parent: int
    charge: Decimal
    parts: int
    interval: timedelta
    due_at: datetime
    now: datetime
    account: int
    fulfilment: str
    is_play: bool
    route: int | None
    provider: int | None

    @property
    def dispatch(self) -> Dispatch:
        """The first dispatch state of the run."""
        return routing.first_dispatch(self.fulfilment, is_play=self.is_play, has_route=self.route is not None)

    def next_due_at(self) -> datetime | None:
        """Return when the next run is due; None after the last run.

        If this run is late (after a downtime), count the full interval from now: late runs do not catch up.
        """
        if self.part == self.parts:
            return None
        is_on_time = self.now - self.due_at < ON_TIME
        return (self.due_at if is_on_time else self.now) + self.interval


_DUE = """
SELECT o.id, o.charge, o.parts, make_interval(mins => d.interval_minutes), d.due_at, now(), o.account_id, s.fulfilment,
       a.test_of_id IS NOT NULL, route.id, route.provider_id
FROM orders_dripfeed d
JOIN orders_order o ON o.id = d.order_id
JOIN catalog_service s ON s.id = o.service_id
JOIN accounts_account a ON a.id = o.account_id
LEFT JOIN LATERAL (
    SELECT r.id, p.provider_id FROM providers_route r JOIN providers_providerservice p ON p.id = r.provider_service_id
    WHERE r.service_id = o.service_id AND r.is_active AND NOT p.is_delisted ORDER BY r.position, r.id LIMIT 1
) AS route ON true
WHERE d.due_at <= now()
ORDER BY o.id LIMIT %s FOR UPDATE OF o, d SKIP LOCKED
"""

_MAKE = """
INSERT INTO orders_order (account_id, service_id, key_id, mode, link, quantity, remains, fields, rate, charge,
                          dispatch, parent_id, part)
SELECT p.account_id, p.service_id, p.key_id, %s, p.link, p.quantity / p.parts, p.quantity / p.parts, p.fields, p.rate,
       new.charge, new.dispatch, p.id, new.part
FROM unnest(%s::bigint[], %s::int[], %s::numeric[], %s::text[]) AS new (parent_id, part, charge, dispatch)
JOIN orders_order p ON p.id = new.parent_id
ORDER BY p.id
RETURNING parent_id, id
"""

_NEXT = """
UPDATE orders_dripfeed d SET due_at = new.due_at
FROM unnest(%s::bigint[], %s::timestamptz[]) AS new (order_id, due_at) WHERE d.order_id = new.order_id
"""


def make_due(connection: Connection) -> int:
    """Create the runs that are due, one a drip-feed and at most 1,000; return how many."""
    rows = Cursor(connection).execute(_DUE, [BATCH], prepare=True).fetchall()
    if not rows:
        return 0
    made = child_orders.count_parts(connection, [row[0] for row in rows])
    runs = [_Run(made[row[0]] + 1, *row) for row in rows]
    _make(connection, runs)
    _begin(connection, [run.parent for run in runs if run.part == 1])
    return len(runs)


def _make(connection: Connection, runs: Sequence[_Run]) -> None:
    ids = arrays.of_numbers(run.parent for run in runs)
    columns = [
        ids,
        arrays.of_numbers(run.part for run in runs),
        arrays.of_numbers(child_orders.share(run.charge, run.part, run.parts) for run in runs),
        arrays.of_texts(run.dispatch for run in runs),
    ]
    cursor = Cursor(connection)
    made: dict[int, int] = dict(cursor.execute(_MAKE, [Mode.DRIP.value, *columns], prepare=True).fetchall())
    dispatch_queue.queue(
        connection,
        [
            QueuedOrder(made[run.parent], run.account, run.provider, run.route)
            for run in runs
            if run.dispatch is Dispatch.QUEUED and run.route and run.provider
        ],
    )
    cursor.execute(_NEXT, [ids, [run.next_due_at() for run in runs]], prepare=True)


def _begin(connection: Connection, parents: Sequence[int]) -> None:
    """Set drip-feeds to In progress after their first run is created, with events for the customers."""
    begun = list(orders.lock(connection, parents).values())
    moves = []
    for parent in begun:
        moves.append(orders.Move(parent, parent.status, Status.IN_PROGRESS))
        parent.status = Status.IN_PROGRESS
    if begun:
        orders.write(connection, begun, moves, actor=ACTOR)
