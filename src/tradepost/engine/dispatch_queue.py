"""Queue orders for a provider, and wake a worker to send them, in the same transaction."""

from collections.abc import Collection, Sequence

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays
from tradepost.engine.refusals import ABOUT_OUR_ACCOUNT, TEMPORARY, RefusalMeaning

VISIT = "provider.visit"  # the name of the task that visits a provider, as stored in jobs


# SQL: whether orders can be sent along a route `r` to a provider's service `p` now.
IS_OPEN = """(
    NOT EXISTS (SELECT FROM providers_routepause h WHERE h.route_id = r.id AND h.until > now())
    AND EXISTS (
        SELECT FROM providers_provider v
        WHERE v.id = p.provider_id AND NOT v.is_paused AND (v.retry_at IS NULL OR v.retry_at <= now())
          AND (v.funds_limit IS NULL OR v.funds_retry_at <= now())
    )
)"""
# SQL: whether an attempt `a` ended for good, or may have.
_IS_FINAL = f"(a.state <> 'refused' OR a.meaning NOT IN ({', '.join(f"'{meaning}'" for meaning in TEMPORARY)}))"
# SQL: whether a provider `v` sends nothing since it refuses our account.
REFUSES_US = f"""(
    v.retry_at > now() AND v.pause_meaning IN ({", ".join(f"'{meaning}'" for meaning in ABOUT_OUR_ACCOUNT)})
)"""


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

_END_WAITS = """
UPDATE orders_upstreamorder u SET due_at = now()
WHERE u.provider_id = ANY(%s::bigint[]) AND u.state = 'queued' AND u.due_at > now() AND EXISTS (
    SELECT FROM orders_attempt a
    WHERE a.order_id = u.order_id AND a.number = u.attempt_count AND a.meaning = ANY(%s::text[])
)
"""


def not_refused(order: str) -> str:
    """Return SQL: whether a provider's service `p` has not refused an order for good. `order` is SQL for the order."""
    return f"""NOT EXISTS (
        SELECT FROM orders_attempt a WHERE a.order_id = {order} AND a.provider_service_id = p.id AND {_IS_FINAL}
    )"""


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


def end_waits(connection: Connection, providers: Collection[int], meanings: Collection[RefusalMeaning]) -> None:
    """Make the queued orders due that wait because one of these providers refused them for one of these reasons."""
    Cursor(connection).execute(_END_WAITS, [arrays.of_numbers(providers), arrays.of_texts(meanings)])
