"""How long the orders of each service usually take, and which active orders take longer.

A worker computes both every few minutes and stores them in small tables, so that the back office reads them quickly
however many orders there are. Only the newest events are read to compute how long orders take.
"""

from datetime import timedelta

from psycopg import Connection, Cursor

from tradepost.engine.statuses import ACTIVE, DELIVERING
from tradepost.orders.models import StuckOrder

EVENTS_READ = 300_000  # the newest; a service without a completed order among them keeps its last pace
ORDERS_MIN = 5  # fewer orders are no basis for a pace
ORDERS_MAX = 100  # the last orders of a service
PERCENTILE = 0.9
MEDIANS = 3
AT_LEAST = timedelta(minutes=10)  # younger orders are never stuck
UNKNOWN = timedelta(days=1)  # the pace of a service that has none yet
UNANSWERED = timedelta(hours=2)  # the longest that an order may wait for a provider to accept it
STUCK_MAX = 10_000  # only the oldest are stored

# Measures an order's first move out of Pending and its completion, both since placing. Drip-feeds and subscriptions
# take as long as their customer chose, so they are left out.
_COMPUTE_PACES = """
WITH newest AS (
    SELECT e.id, e.order_id, e.at, e.from_status, e.to_status
    FROM orders_orderevent e WHERE e.id > (SELECT coalesce(max(id), 0) FROM orders_orderevent) - %(events)s
), took AS (
    SELECT o.service_id, e.to_status = 'Completed' AS is_end, e.at - o.created_at AS took,
           row_number() OVER (PARTITION BY o.service_id, e.to_status = 'Completed' ORDER BY e.id DESC) AS back
    FROM newest e JOIN orders_order o ON o.id = e.order_id
    WHERE o.parts IS NULL AND e.from_status <> e.to_status
      AND (e.to_status = 'Completed' OR e.from_status = 'Pending' AND e.to_status = ANY(%(begun)s))
), pace AS (
    SELECT service_id, is_end, count(*) AS sample_size,
           greatest(percentile_cont(%(percentile)s) WITHIN GROUP (ORDER BY took),
                    %(medians)s * percentile_cont(0.5) WITHIN GROUP (ORDER BY took), %(at_least)s) AS within
    FROM took WHERE back <= %(orders_max)s GROUP BY service_id, is_end HAVING count(*) >= %(orders_min)s
)
INSERT INTO orders_servicepace (service_id, starts_within, ends_within, sample_size, computed_at)
SELECT e.service_id, s.within, e.within, e.sample_size, now()
FROM pace e LEFT JOIN pace s ON s.service_id = e.service_id AND NOT s.is_end
WHERE e.is_end
ON CONFLICT (service_id) DO UPDATE
SET starts_within = coalesce(excluded.starts_within, orders_servicepace.starts_within),
    ends_within = excluded.ends_within, sample_size = excluded.sample_size, computed_at = now()
"""

_FIND = """
WITH late AS (
    SELECT o.id, CASE
               WHEN o.dispatch = ANY(%(on_the_way)s) AND o.created_at < now() - %(unanswered)s THEN 'unanswered'
               WHEN o.status = 'Pending'
                    AND o.created_at < now() - coalesce(p.starts_within, p.ends_within, %(unknown)s) THEN 'not started'
               WHEN o.created_at < now() - coalesce(p.ends_within, %(unknown)s) THEN 'slow'
           END AS reason, coalesce(p.starts_within, p.ends_within, %(unknown)s) AS starts_within,
           coalesce(p.ends_within, %(unknown)s) AS ends_within
    FROM orders_order o LEFT JOIN orders_servicepace p ON p.service_id = o.service_id
    WHERE o.status = ANY(%(active)s) AND o.parts IS NULL AND o.created_at < now() - %(at_least)s
), kept AS (
    SELECT id, reason,
           CASE reason WHEN 'unanswered' THEN %(unanswered)s WHEN 'slow' THEN ends_within ELSE starts_within END
           AS expected_within
    FROM late WHERE reason IS NOT NULL ORDER BY id LIMIT %(most)s
), gone AS (
    DELETE FROM orders_stuckorder s WHERE NOT EXISTS (SELECT FROM kept WHERE kept.id = s.order_id)
)
INSERT INTO orders_stuckorder (order_id, reason, expected_within, found_at)
SELECT id, reason, expected_within, now() FROM kept
ON CONFLICT (order_id) DO UPDATE SET reason = excluded.reason, expected_within = excluded.expected_within
WHERE (orders_stuckorder.reason, orders_stuckorder.expected_within)
      IS DISTINCT FROM (excluded.reason, excluded.expected_within)
"""


def compute_paces(connection: Connection) -> None:
    """Compute and store how long the orders of each service take."""
    Cursor(connection).execute(
        _COMPUTE_PACES,
        {
            "events": EVENTS_READ,
            "begun": [status.value for status in ACTIVE if status != "Pending"],
            "percentile": PERCENTILE,
            "medians": MEDIANS,
            "at_least": AT_LEAST,
            "orders_min": ORDERS_MIN,
            "orders_max": ORDERS_MAX,
        },
    )


def find_stuck(connection: Connection) -> None:
    """Replace the stored stuck orders by the active orders that take too long now: the `STUCK_MAX` oldest."""
    Cursor(connection).execute(
        _FIND,
        {
            "on_the_way": ["queued", "sending", "unsure", "refused"],
            "unanswered": UNANSWERED,
            "unknown": UNKNOWN,
            "at_least": AT_LEAST,
            "active": [status.value for status in DELIVERING],
            "most": STUCK_MAX,
        },
    )


def stuck_count() -> int:
    """Return how many stuck orders are still active."""
    active = [status.value for status in DELIVERING]
    return StuckOrder.objects.filter(order__status__in=active).count()
