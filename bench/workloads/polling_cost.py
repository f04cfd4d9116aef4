"""What it costs the database to poll a million orders at twenty providers, with few finished orders and with many.

A round polls every active order once. No provider is called: the answers are made up here and contain nothing new, like
nearly all answers of providers.
"""

import resource
import time
from statistics import median
from typing import NamedTuple

import psycopg
import typer

from testkit import process_cpu
from testkit.fresh_database import fresh_database
from tradepost.engine.polling import UpstreamStatus, apply_statuses, next_batch
from tradepost.engine.statuses import Status

PROVIDERS = 20
BATCH = 1_000  # the same as in `tradepost.fulfilment.poll`
SEED_BATCH = 500_000
KNOWN = (
    Status.IN_PROGRESS,
    1_000,
    40,
)  # status, start count and remains of every order, at the desk and at the provider

_SEED = """
INSERT INTO accounts_account (id, email, password, name, is_superuser, is_active, is_staff)
SELECT 1, 'customer@bench.example', '', '', false, true, false;
INSERT INTO catalog_category (id, name) VALUES (1, 'Pixelpond');
INSERT INTO catalog_service (id, category_id, name, type, rate, min, max, fulfilment)
SELECT n, 1, 'Followers', 'Default', 1, 10, 10000, 'provider' FROM generate_series(1, 20) AS n;
INSERT INTO providers_provider (id, name, url, encrypted_key, currency, exchange_rate, requests_a_second,
    parallel_requests, supports_idempotency_keys, is_paused, price_rise_percent_max, last_error, sync_error, requests,
    failures, request_milliseconds)
SELECT n, 'Provider ' || n, 'https://panel.example/api/v2', '', 'USD', 1, 10, 4, false, false, 20, '', '', 0, 0, 0
FROM generate_series(1, 20) AS n;
INSERT INTO providers_providerservice (id, provider_id, upstream_id, name, type, category, rate, min, max, refill,
    cancel, dripfeed, description, average_time, is_delisted)
SELECT n, n, '1', 'Followers', 'Default', '', 1, 10, 10000, true, true, true, '', '', false
FROM generate_series(1, 20) AS n;
INSERT INTO providers_route (id, service_id, position, provider_service_id, is_active, multiplier, overflow_percent,
    follows, markup_percent, rate_decimals)
SELECT n, n, 1, n, true, 1, 0, '{}', 0, 4 FROM generate_series(1, 20) AS n;
"""

_ORDERS = """
INSERT INTO orders_order (id, account_id, service_id, mode, link, quantity, remains, rate, charge, status, dispatch,
                          start_count, created_at)
SELECT n, 1, 1 + n %% 20, 'api', 'https://pixelpond.example/' || n, 100, %(remains)s, 1, 0, %(status)s, 'sent', 1000,
       now() - make_interval(secs => %(last)s - n)
FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""

# As on a real desk: many orders have just been sent, some are days old.
_AT_PROVIDERS = """
INSERT INTO orders_upstreamorder (order_id, account_id, provider_id, route_id, state, upstream_id, quantity, sent_at)
SELECT id, 1, service_id, service_id, 'sent', id::text, 100, now() - make_interval(secs => 400000 * power(random(), 4))
FROM orders_order WHERE status = 'In progress'
"""


def report(*, active: int, finished: int, rounds: int) -> None:
    """Seed, measure rounds with few finished orders and with many, and print what a hundred orders cost."""
    with fresh_database() as url, psycopg.connect(url) as connection:
        typer.echo(f"Seeding {active:,} active orders...", err=True)
        connection.execute(_SEED)
        _fill(connection, 1, active, status=KNOWN[0], remains=KNOWN[2])
        connection.execute(_AT_PROVIDERS)
        _round(connection)  # the first answers are new
        without_history = _measure(connection, active, rounds)
        _print(f"{active:,} active orders", without_history)
        typer.echo(f"Seeding {finished:,} finished orders...", err=True)
        _fill(connection, active + 1, active + finished, status=Status.COMPLETED, remains=0)
        with_history = _measure(connection, active, rounds)
        _print(f"the same beside {finished:,} finished", with_history)
        ratio = median(cost.cpu_ms for cost in with_history) / median(cost.cpu_ms for cost in without_history)
        typer.echo(f"ratio {ratio:.2f}; memory {_megabytes():.0f} MiB at the most")


class Cost(NamedTuple):
    """What a hundred orders cost, in milliseconds: CPU time of the database's process, and time until its answer."""

    cpu_ms: float
    wall_ms: float


def _measure(connection: psycopg.Connection, active: int, rounds: int) -> list[Cost]:
    """Return the cost of each round."""
    _tidy(connection)
    _round(connection)  # warms up
    costs = []
    for _ in range(rounds):
        before = process_cpu.seconds_used(connection.info.backend_pid)
        seconds, polled = _round(connection)
        used = process_cpu.seconds_used(connection.info.backend_pid) - before
        # Orders are polled by age groups. A few change their group during a round and are polled twice.
        assert active <= polled <= active * 1.001, f"{polled} of {active} orders were asked about"
        costs.append(Cost(used * 1000 / (polled / 100), seconds * 1000 / (polled / 100)))
    return costs


def _round(connection: psycopg.Connection) -> tuple[float, int]:
    """Poll every order once; return the seconds the database took, and the number of orders."""
    connection.execute("DELETE FROM providers_pollround")
    connection.commit()
    seconds, polled = 0.0, 0
    for provider in range(1, PROVIDERS + 1):
        while True:
            began = time.perf_counter()
            batch = next_batch(connection, provider, limit=BATCH)
            connection.commit()
            seconds += time.perf_counter() - began
            if not batch:
                break
            answers = [UpstreamStatus(order.order, *KNOWN) for order in batch]
            began = time.perf_counter()
            changed = apply_statuses(connection, provider, answers)
            connection.commit()
            seconds += time.perf_counter() - began
            assert not changed, "nothing was new"
            polled += len(batch)
    return seconds, polled


def _fill(connection: psycopg.Connection, first: int, last: int, *, status: Status, remains: int) -> None:
    for start in range(first, last + 1, SEED_BATCH):
        end = min(start + SEED_BATCH - 1, last)
        connection.execute(_ORDERS, {"first": start, "last": end, "status": status.value, "remains": remains})
        connection.commit()


def _tidy(connection: psycopg.Connection) -> None:
    """Do the work that autovacuum and the checkpointer would otherwise do during the rounds."""
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE orders_order")
    connection.execute("VACUUM ANALYZE orders_upstreamorder")
    connection.execute("CHECKPOINT")
    connection.autocommit = False


def _print(label: str, costs: list[Cost]) -> None:
    cpu_ms, wall_ms = zip(*costs, strict=True)
    typer.echo(
        f"{label}: {median(cpu_ms):.3f} ms of the database's process a hundred orders ({min(cpu_ms):.3f}-"
        f"{max(cpu_ms):.3f}), answered after {median(wall_ms):.3f} ms ({min(wall_ms):.3f}-{max(wall_ms):.3f});"
        f" memory {_megabytes():.0f} MiB"
    )


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
