"""The simulator fulfils the orders of simulated services, so that in a demo or test an order ends within seconds.

An order's id and a seed alone decide how the order ends: most orders are Completed, some Partial, some Canceled.
"""

import hashlib
from datetime import timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app
from psycopg import Connection, Cursor

from tradepost.database import engine_connection
from tradepost.engine.cancelling import accepted
from tradepost.engine.refilling import RefillReport, settle_refills
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import DELIVERING, OPEN_REFILL, RefillStatus, Status
from tradepost.engine.subscriptions import Post, mirror_posts

SEED = b"tradepost"
BATCH = 1_000
STEPS = 5  # of an order's life: the first Pending, the others In progress, each with a new count
COMPLETED_PERCENT = 85
PARTIAL_PERCENT = 10  # the remaining 5 % are Canceled
START_COUNT_MAX = 50_000
POSTS_AT = "https://pixelpond.example/posts"


class Life(msgspec.Struct, frozen=True):
    """How an order will go: its start count, its last status, and how much is delivered by then."""

    start_count: int
    end: Status
    delivered_percent: int


_ACTIVE = """
SELECT id, quantity, now() - created_at FROM orders_order
WHERE dispatch = 'simulated' AND status = ANY(%s) AND id > %s AND created_at < now() - %s
ORDER BY id LIMIT %s
"""

_SUBSCRIPTIONS = """
SELECT o.id, o.parts, (o.fields->>'min')::bigint, (o.fields->>'max')::bigint, now() - o.created_at,
       (SELECT count(*) FROM orders_order c WHERE c.parent_id = o.id)
FROM orders_order o
WHERE o.dispatch = 'simulated' AND o.status = 'Active' AND o.id > %s
ORDER BY o.id LIMIT %s
"""

_CANCEL_REQUESTS = """
SELECT o.id, o.quantity, o.remains, o.parts
FROM orders_cancelrequest c JOIN orders_order o ON o.id = c.order_id
WHERE c.state = 'open' AND o.dispatch = 'simulated'
ORDER BY o.id LIMIT %s
"""

_REFILLS = """
SELECT r.id, now() - r.created_at
FROM orders_refill r JOIN orders_order o ON o.id = r.order_id
WHERE r.status = ANY(%s) AND o.dispatch = 'simulated' AND r.updated_at < now() - %s
ORDER BY r.id LIMIT %s
"""


@app.periodic(cron="* * * * * */1")
@app.task(name="orders.simulate", queueing_lock="simulate", lock="simulate")
def simulate(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Advance every simulated order to the state it should have by now."""
    advance_all(timedelta(seconds=settings.TRADEPOST_SIMULATOR_SECONDS))


def advance_all(life: timedelta) -> None:
    """Advance every simulated order and refill, each batch in a transaction. `life` is the time from start to end."""
    with transaction.atomic():
        _accept_cancels(engine_connection())
    with transaction.atomic():
        _advance_refills(engine_connection(), life)
    for advance in (_advance_subscriptions, _advance_orders):
        last: int | None = 0
        while last is not None:
            with transaction.atomic():
                last = advance(engine_connection(), life, after=last)


def plan(order: int) -> Life:
    dice = hashlib.sha256(SEED + str(order).encode()).digest()
    percent = int.from_bytes(dice[:4]) % 100
    start_count = int.from_bytes(dice[4:8]) % START_COUNT_MAX
    if percent < COMPLETED_PERCENT:
        return Life(start_count, Status.COMPLETED, 100)
    if percent < COMPLETED_PERCENT + PARTIAL_PERCENT:
        return Life(start_count, Status.PARTIAL, 10 + dice[8] % 81)
    return Life(start_count, Status.CANCELED, 0)


def _advance_orders(connection: Connection, life: timedelta, *, after: int) -> int | None:
    """Advance one batch of orders with ids above `after`. Return the batch's last id; None after the last batch."""
    rows = Cursor(connection).execute(_ACTIVE, [list(DELIVERING), after, life / STEPS, BATCH]).fetchall()
    settle(connection, [_report(order, quantity, age / life) for order, quantity, age in rows], actor="simulator")
    return rows[-1][0] if len(rows) == BATCH else None


def _advance_subscriptions(connection: Connection, life: timedelta, *, after: int) -> int | None:
    """Serve the posts due by now, spread evenly over a life. The last post completes the subscription."""
    rows = Cursor(connection).execute(_SUBSCRIPTIONS, [after, BATCH]).fetchall()
    posts = [
        Post(order, part, f"{POSTS_AT}/{order}/{part}", _between(least, most, order + part))
        for order, parts, least, most, age, made in rows
        for part in range(made + 1, _posts_by(parts, age / life) + 1)
    ]
    mirror_posts(connection, posts)
    ended = [row[0] for row in rows if _posts_by(row[1], row[4] / life) == row[1]]
    settle(connection, [Report(order, Status.COMPLETED) for order in ended], actor="simulator")
    return rows[-1][0] if len(rows) == BATCH else None


def _posts_by(posts: int, lived: float) -> int:
    return min(posts, int(lived * posts))


def _between(least: int, most: int, number: int) -> int:
    return least + number % (most - least + 1)


def _accept_cancels(connection: Connection) -> None:
    """Cancel the orders that customers asked to cancel. They pay for what was delivered; the rest is refunded."""
    rows = Cursor(connection).execute(_CANCEL_REQUESTS, [BATCH])
    reports = [
        accepted(order, quantity=quantity, remains=remains, parts=parts) for order, quantity, remains, parts in rows
    ]
    settle(connection, reports, actor="simulator")


def _advance_refills(connection: Connection, life: timedelta) -> None:
    """Advance one batch of refills: In progress at once, Completed at the end of a life."""
    open_statuses = [status.value for status in OPEN_REFILL]
    rows = Cursor(connection).execute(_REFILLS, [open_statuses, life / STEPS, BATCH])
    reports = [
        RefillReport(refill, RefillStatus.COMPLETED if age >= life else RefillStatus.IN_PROGRESS)
        for refill, age in rows
    ]
    settle_refills(connection, reports)


def _report(order: int, quantity: int, lived: float) -> Report:
    life = plan(order)
    delivered = quantity * life.delivered_percent // 100
    if lived >= 1:
        return Report(order, life.end, life.start_count, quantity - delivered)
    step = int(lived * STEPS)
    return Report(order, Status.IN_PROGRESS, life.start_count, quantity - delivered * (step - 1) // (STEPS - 1))
