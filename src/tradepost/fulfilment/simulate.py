"""The simulator: fulfils the orders of simulated services, so that a demo or a test sees whole lives in seconds.

What becomes of an order follows from its id and a seed alone: most are Completed, some Partial, some Canceled.
"""

import hashlib
from datetime import timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app
from psycopg import Connection, Cursor

from tradepost.catalog.models import Fulfilment
from tradepost.engine.cancelling import accepted
from tradepost.engine.refilling import RefillReport, settle_refills
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import ACTIVE, OPEN_REFILL, RefillStatus, Status
from tradepost.ledger.books import engine_connection

SEED = b"tradepost"
BATCH = 1_000
STEPS = 5  # of a life: one Pending, then In progress, with a new count at each
COMPLETED_PERCENT = 85
PARTIAL_PERCENT = 10  # the rest is Canceled
START_COUNT_MAX = 50_000


class Life(msgspec.Struct, frozen=True):
    """What is to become of an order."""

    start_count: int
    end: Status
    delivered_percent: int


_ACTIVE = """
SELECT o.id, o.quantity, now() - o.created_at
FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
WHERE s.fulfilment = %s AND o.status = ANY(%s) AND o.id > %s AND o.created_at < now() - %s
ORDER BY o.id LIMIT %s
"""

_CANCEL_REQUESTS = """
SELECT o.id, o.quantity, o.remains
FROM orders_cancelrequest c JOIN orders_order o ON o.id = c.order_id JOIN catalog_service s ON s.id = o.service_id
WHERE c.state = 'open' AND s.fulfilment = %s
ORDER BY o.id LIMIT %s
"""

_REFILLS = """
SELECT r.id, now() - r.created_at
FROM orders_refill r JOIN orders_order o ON o.id = r.order_id JOIN catalog_service s ON s.id = o.service_id
WHERE r.status = ANY(%s) AND s.fulfilment = %s AND r.updated_at < now() - %s
ORDER BY r.id LIMIT %s
"""


@app.periodic(cron="* * * * * */1")
@app.task(queueing_lock="simulate", lock="simulate")
def simulate(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Move every simulated order on to where it should be by now."""
    advance_all(timedelta(seconds=settings.TRADEPOST_SIMULATOR_SECONDS))


def advance_all(life: timedelta) -> None:
    """Move every simulated order and refill on, a batch a transaction; `life` is the time from start to end."""
    with transaction.atomic():
        _accept_cancels(engine_connection())
    with transaction.atomic():
        _advance_refills(engine_connection(), life)
    last: int | None = 0
    while last is not None:
        with transaction.atomic():
            last = _advance(engine_connection(), life, after=last)


def plan(order: int) -> Life:
    """Tell what is to become of an order."""
    dice = hashlib.sha256(SEED + str(order).encode()).digest()
    percent = int.from_bytes(dice[:4]) % 100
    start_count = int.from_bytes(dice[4:8]) % START_COUNT_MAX
    if percent < COMPLETED_PERCENT:
        return Life(start_count, Status.COMPLETED, 100)
    if percent < COMPLETED_PERCENT + PARTIAL_PERCENT:
        return Life(start_count, Status.PARTIAL, 10 + dice[8] % 81)
    return Life(start_count, Status.CANCELED, 0)


def _advance(connection: Connection, life: timedelta, *, after: int) -> int | None:
    """Move on one batch of the orders above an id; return the last one's id, or None if there are no more."""
    rows = (
        Cursor(connection)
        .execute(_ACTIVE, [Fulfilment.SIMULATED.value, list(ACTIVE), after, life / STEPS, BATCH])
        .fetchall()
    )
    settle(connection, [_report(order, quantity, age / life) for order, quantity, age in rows], actor="simulator")
    return rows[-1][0] if len(rows) == BATCH else None


def _accept_cancels(connection: Connection) -> None:
    """Cancel what customers asked to: what was delivered stays, the rest is given back."""
    rows = Cursor(connection).execute(_CANCEL_REQUESTS, [Fulfilment.SIMULATED.value, BATCH])
    reports = [accepted(order, quantity=quantity, remains=remains) for order, quantity, remains in rows]
    settle(connection, reports, actor="simulator")


def _advance_refills(connection: Connection, life: timedelta) -> None:
    """Move one batch of refills on: In progress at once, Completed at the end of a life."""
    open_ones = [status.value for status in OPEN_REFILL]
    rows = Cursor(connection).execute(_REFILLS, [open_ones, Fulfilment.SIMULATED.value, life / STEPS, BATCH])
    reports = [
        RefillReport(refill, RefillStatus.COMPLETED if age >= life else RefillStatus.IN_PROGRESS)
        for refill, age in rows
    ]
    settle_refills(connection, reports)


def _report(order: int, quantity: int, lived: float) -> Report:
    fate = plan(order)
    delivered = quantity * fate.delivered_percent // 100
    if lived >= 1:
        return Report(order, fate.end, fate.start_count, quantity - delivered)
    step = int(lived * STEPS)
    return Report(order, Status.IN_PROGRESS, fate.start_count, quantity - delivered * (step - 1) // (STEPS - 1))
