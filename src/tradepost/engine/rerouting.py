"""Move queued and held orders on, because their route has closed, is paused, or is open again.

Each function is a step of the sweep that runs every few seconds. It takes at most `limit` orders.
"""

from collections.abc import Sequence

from psycopg import Connection, Cursor

from tradepost.engine import attempts, dispatch_queue
from tradepost.engine.attempts import AttemptOutcome, AttemptResult
from tradepost.engine.dispatch_queue import IS_OPEN, REFUSES_US, not_refused
from tradepost.engine.statuses import Dispatch

_STRANDED = """
SELECT u.order_id, u.attempt_count
FROM orders_upstreamorder u JOIN providers_route r ON r.id = u.route_id
JOIN providers_providerservice p ON p.id = r.provider_service_id
WHERE u.state = 'queued' AND (p.is_delisted OR NOT r.is_active)
ORDER BY u.order_id LIMIT %s
"""

# Routes that are paused, or whose provider refuses our account or has too little money, and that have an open route
# beside them.
_DIVERTED = f"""
WITH closed AS (
    SELECT c.id, c.service_id, q.provider_id
    FROM providers_routepause h
    JOIN providers_route c ON c.id = h.route_id
    JOIN providers_providerservice q ON q.id = c.provider_service_id
    WHERE h.until > now()
    UNION
    SELECT c.id, c.service_id, q.provider_id
    FROM providers_provider v
    JOIN providers_providerservice q ON q.provider_id = v.id
    JOIN providers_route c ON c.provider_service_id = q.id
    WHERE {REFUSES_US} OR v.funds_retry_at > now()
)
SELECT u.order_id, u.attempt_count
FROM closed c JOIN orders_upstreamorder u ON u.provider_id = c.provider_id AND u.route_id = c.id AND u.state = 'queued'
WHERE EXISTS (
    SELECT FROM providers_route r JOIN providers_providerservice p ON p.id = r.provider_service_id
    WHERE r.service_id = c.service_id AND r.id <> c.id AND r.is_active AND NOT p.is_delisted AND {IS_OPEN}
      AND {not_refused("u.order_id")}
)
ORDER BY u.order_id LIMIT %s
"""

# Orders that were held with others of their route, which is open again.
_RELEASED = """
SELECT u.order_id, u.attempt_count
FROM orders_upstreamorder u
WHERE u.review_reason = 'unexplained' AND u.state = 'refused'
  AND NOT EXISTS (SELECT FROM providers_routepause h WHERE h.route_id = u.route_id AND h.until IS NOT NULL)
ORDER BY u.order_id LIMIT %s
"""

# Orders that were held with others of their route, and that have another route which is open and not in doubt.
_FREE_ELSEWHERE = f"""
SELECT u.order_id, u.attempt_count
FROM orders_upstreamorder u
WHERE u.review_reason = 'unexplained' AND u.state = 'refused' AND EXISTS (
    SELECT FROM orders_order o
    JOIN providers_route r ON r.service_id = o.service_id AND r.id <> u.route_id AND r.is_active
    JOIN providers_providerservice p ON p.id = r.provider_service_id AND NOT p.is_delisted
    WHERE o.id = u.order_id AND {IS_OPEN}
      AND NOT EXISTS (SELECT FROM providers_routepause h WHERE h.route_id = r.id AND h.until IS NOT NULL)
      AND {not_refused("o.id")}
)
ORDER BY u.order_id LIMIT %s
"""

# Where a pause is over and no order is queued to try the route: one of the orders held, the one tried least.
_PROBES = """
SELECT held.order_id, held.attempt_count
FROM providers_routepause h
CROSS JOIN LATERAL (
    SELECT u.order_id, u.attempt_count FROM orders_upstreamorder u
    WHERE u.route_id = h.route_id AND u.review_reason = 'unexplained' AND u.state = 'refused'
    ORDER BY u.attempt_count, u.order_id LIMIT 1
) AS held
WHERE h.until <= now() AND NOT EXISTS (
    SELECT FROM providers_route r
    JOIN providers_providerservice p ON p.id = r.provider_service_id
    JOIN orders_upstreamorder u ON u.provider_id = p.provider_id AND u.route_id = r.id
    WHERE r.id = h.route_id AND u.state IN ('queued', 'sending')
)
ORDER BY held.order_id LIMIT %s
"""


def move_on(connection: Connection, *, limit: int) -> None:
    """Do every step of the sweep."""
    reroute(connection, limit=limit)
    divert(connection, limit=limit)
    release_held(connection, limit=limit)


def reroute(connection: Connection, *, limit: int) -> int:
    """If a queued order's route is closed or its provider's service delisted, try the next route; return how many."""
    return _record(connection, _STRANDED, limit, AttemptOutcome.DECLINED, "its route was closed before it was sent")


def divert(connection: Connection, *, limit: int) -> int:
    """If a queued order's route is paused, queue the order for an open route, if there is one; return how many."""
    return _record(connection, _DIVERTED, limit, AttemptOutcome.ELSEWHERE, "its route is paused")


def release_held(connection: Connection, *, limit: int) -> int:
    """Queue orders that were held, if their route is open again or to be tried, or another is open; return how many."""
    released = _record(connection, _RELEASED, limit, AttemptOutcome.LATER, "its provider accepts orders again")
    released += _record(connection, _FREE_ELSEWHERE, limit, AttemptOutcome.ELSEWHERE, "another route is open")
    return released + _record(connection, _PROBES, limit, AttemptOutcome.LATER, "its route is tried again")


def send_elsewhere(connection: Connection, orders: Sequence[int], *, actor: str) -> int:
    """Queue held orders for another route that is open, and return how many orders have one. The others stay held."""
    held = {
        order: way
        for order, way in attempts.dispatch_states(connection, orders).items()
        if way.state == Dispatch.REFUSED
    }
    results = [
        AttemptResult(order, way.attempt_count, AttemptOutcome.HELD, response="sent by another route")
        for order, way in held.items()
    ]
    attempts.record(connection, results, actor=actor)
    return sum(way.state == Dispatch.QUEUED for way in attempts.dispatch_states(connection, held).values())


def _record(connection: Connection, query: str, limit: int, outcome: AttemptOutcome, note: str) -> int:
    rows = Cursor(connection).execute(query, [limit], prepare=True).fetchall()
    attempts.record(connection, [AttemptResult(order, attempt, outcome, response=note) for order, attempt in rows])
    if rows and outcome is AttemptOutcome.LATER:
        providers = {way.provider for way in attempts.dispatch_states(connection, [row[0] for row in rows]).values()}
        dispatch_queue.defer_visits(connection, providers)
    return len(rows)
