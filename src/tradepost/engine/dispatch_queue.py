"""Queue orders for a provider, and wake a worker to send them, in the same transaction."""

from collections.abc import Collection, Sequence

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays

VISIT = "provider.visit"  # the name of the task that visits a provider, as stored in jobs


class QueuedOrder(msgspec.Struct, frozen=True):
    order: int
    account: int
    provider: int
    route: int


_QUEUE = """
INSERT INTO orders_upstreamorder (order_id, account_id, provider_id, route_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
"""

# Writes the same jobs as `visit.defer` of `tradepost.fulfilment`, but for many providers. If a visit is already queued,
# no second job is written: a visit sends all orders that are queued when it runs. A trigger wakes the workers.
_DEFER_VISITS = f"""
INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
SELECT 'default', '{VISIT}', 'visit ' || id, jsonb_build_object('provider', id)
FROM unnest(%s::bigint[]) AS id ORDER BY id
ON CONFLICT DO NOTHING
"""


def queue(connection: Connection, queued: Sequence[QueuedOrder]) -> None:
    """Queue orders. A worker sends them once this transaction is committed."""
    if not queued:
        return
    columns = [
        arrays.of_numbers(each.order for each in queued),
        arrays.of_numbers(each.account for each in queued),
        arrays.of_numbers(each.provider for each in queued),
        arrays.of_numbers(each.route for each in queued),
    ]
    Cursor(connection).execute(_QUEUE, columns, prepare=True)
    defer_visits(connection, {each.provider for each in queued})


def defer_visits(connection: Connection, providers: Collection[int]) -> None:
    """Queue a visit to each of these providers, unless one is already queued."""
    Cursor(connection).execute(_DEFER_VISITS, [arrays.of_numbers(providers)], prepare=True)
