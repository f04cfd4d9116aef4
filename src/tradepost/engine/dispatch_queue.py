"""Orders that wait to be sent to a provider, and the worker that is woken for them in the same transaction."""

from collections.abc import Collection, Sequence

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays

VISIT = "provider.visit"  # the task that visits a provider, by the name that jobs keep


class QueuedOrder(msgspec.Struct, frozen=True):
    """An order to be sent to a provider by a route."""

    order: int
    account: int
    provider: int
    route: int


_QUEUE = """
INSERT INTO orders_upstreamorder (order_id, account_id, provider_id, route_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
"""

# What `visit.defer` of `tradepost.fulfilment` writes, but for many and without minding those that are queued already:
# a job that waits drains all that is there when it runs. A trigger of the table tells the workers.
_DEFER_VISITS = f"""
INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
SELECT 'default', '{VISIT}', 'visit ' || id, jsonb_build_object('provider', id)
FROM unnest(%s::bigint[]) AS id ORDER BY id
ON CONFLICT DO NOTHING
"""


def queue(connection: Connection, queued: Sequence[QueuedOrder]) -> None:
    """Have orders sent, as soon as this transaction is committed."""
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
    """Have a worker visit these providers."""
    Cursor(connection).execute(_DEFER_VISITS, [arrays.of_numbers(providers)], prepare=True)
