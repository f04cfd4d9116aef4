"""Each provider's orders by state, and the state of the workers, for the back office and for `/metrics`.

Every count reads a partial index and stops at `COUNTED_MAX`, so that neither ended orders nor a long queue cost more.
"""

from decimal import Decimal

import msgspec
from django.db import connection

COUNTED_MAX = 100_000  # orders in one state at one provider; counting stops there
ALIVE_SECONDS_MAX = 30  # since a worker's last heartbeat; workers send one every 2 seconds (`up/worker.py`)
STATES = ("queued", "sending", "sent", "unsure", "refused")


class ProviderBacklog(msgspec.Struct, frozen=True):
    """A provider, and how many of its orders are in each state.

    `oldest_seconds` is the age of the oldest queued order, `synced_seconds` the age of the service list. `requests`,
    `failures` (no clear answer) and `request_milliseconds` are sums since the provider was added.
    """

    id: int
    name: str
    currency: str
    balance: Decimal | None
    is_paused: bool
    last_error: str
    synced_seconds: float | None
    requests: int
    failures: int
    request_milliseconds: int
    oldest_seconds: float | None
    queued: int
    sending: int
    sent: int
    unsure: int
    refused: int
    routes_paused: int
    to_review: int


class WorkerStatus(msgspec.Struct, frozen=True):
    """How many jobs are due, running and failed, how many workers are alive, and the age of the last heartbeat."""

    waiting: int
    doing: int
    failed: int
    alive: int
    heard_seconds: float | None


_BACKLOGS = f"""
SELECT p.id, p.name, p.currency, p.balance, p.is_paused, p.last_error,
       extract(epoch FROM now() - p.synced_at)::float8, p.requests, p.failures, p.request_milliseconds,
       (SELECT extract(epoch FROM now() - o.created_at)::float8
        FROM orders_upstreamorder u JOIN orders_order o ON o.id = u.order_id
        WHERE u.provider_id = p.id AND u.state = 'queued' ORDER BY u.order_id LIMIT 1),
       {
    ", ".join(
        f'''(SELECT count(*) FROM (
           SELECT FROM orders_upstreamorder u WHERE u.provider_id = p.id AND u.state = '{state}' LIMIT %(max)s
       ) AS counted)'''
        for state in STATES
    )
},
       (SELECT count(*) FROM providers_routepause h JOIN providers_route r ON r.id = h.route_id
        JOIN providers_providerservice s ON s.id = r.provider_service_id
        WHERE s.provider_id = p.id AND h.until IS NOT NULL),
       (SELECT count(*) FROM orders_upstreamorder u WHERE u.provider_id = p.id AND u.review_reason <> '')
FROM providers_provider p ORDER BY p.name
"""

_WORKERS = """
SELECT count(*) FILTER (WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())),
       count(*) FILTER (WHERE status = 'doing'), count(*) FILTER (WHERE status = 'failed'),
       (SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %(alive)s)),
       (SELECT extract(epoch FROM now() - max(last_heartbeat))::float8 FROM procrastinate_workers)
FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')
"""


def provider_backlogs() -> list[ProviderBacklog]:
    """Return the backlog of every provider, sorted by name."""
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOGS, {"max": COUNTED_MAX})
        return [ProviderBacklog(*row) for row in cursor.fetchall()]


def worker_status() -> WorkerStatus:
    with connection.cursor() as cursor:
        cursor.execute(_WORKERS, {"alive": ALIVE_SECONDS_MAX})
        return WorkerStatus(*cursor.fetchall()[0])
