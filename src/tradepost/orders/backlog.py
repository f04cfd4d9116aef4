"""What waits for each provider, what is there, and how the workers are: for the page of staff and for metrics.

Every count reads a partial index, and only so far: what is over costs nothing, and what is very much costs no more.
"""

from decimal import Decimal

import msgspec
from django.db import connection

COUNTED_MAX = 100_000  # of one state at one provider; more is not told apart
ALIVE_SECONDS_MAX = 30  # since a worker's last heartbeat, of which there is one each 10 seconds
STATES = ("queued", "sending", "sent", "unsure", "refused")


class Standing(msgspec.Struct, frozen=True):
    """A provider, and how many orders are in each state there; `oldest_seconds` is since the oldest queued was placed.

    `requests`, `failures` (without a clear answer) and `request_milliseconds` are sums since it was added.
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


class Workers(msgspec.Struct, frozen=True):
    """How many jobs are due, being done and failed, how many workers there are, and when one was last heard of."""

    waiting: int
    doing: int
    failed: int
    alive: int
    heard_seconds: float | None


_STANDINGS = f"""
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
}
FROM providers_provider p ORDER BY p.name
"""

_WORKERS = """
SELECT count(*) FILTER (WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())),
       count(*) FILTER (WHERE status = 'doing'), count(*) FILTER (WHERE status = 'failed'),
       (SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %(alive)s)),
       (SELECT extract(epoch FROM now() - max(last_heartbeat))::float8 FROM procrastinate_workers)
FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')
"""


def standings() -> list[Standing]:
    """Return how each provider stands, by name."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDINGS, {"max": COUNTED_MAX})
        return [Standing(*row) for row in cursor.fetchall()]


def workers() -> Workers:
    """Return how the workers are."""
    with connection.cursor() as cursor:
        cursor.execute(_WORKERS, {"alive": ALIVE_SECONDS_MAX})
        return Workers(*cursor.fetchall()[0])
