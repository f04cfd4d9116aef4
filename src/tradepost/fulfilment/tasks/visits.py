"""Visits: a worker has exclusive use of a provider for a while, and does everything that is due for its orders.

1. Send queued orders.
2. If none are queued, forward cancels and refills, and poll open refills.
3. If there are none of those either, poll the status of orders.

After each step the worker begins at 1 again, so new orders never wait for polling. All order traffic to a provider
goes through visits, so the provider's limits hold for any number of workers.
"""

import contextlib
import time
from collections.abc import Iterator
from functools import partial

from django.db import connection
from django.db.models.functions import Now
from procrastinate.contrib.django import app

from tradepost.database import in_transaction
from tradepost.encryption import DecryptionError
from tradepost.engine import dispatch_queue, dispatching, rerouting
from tradepost.fulfilment import cancels_and_refills, dispatch, poll, provider_pause
from tradepost.fulfilment.provider_errors import Pause
from tradepost.fulfilment.throttled_client import ThrottledClient
from tradepost.providers.models import Provider
from tradepost.shutdown import is_stopping

VISIT_SECONDS_MAX = 60
REROUTED_MAX = 1_000  # at a time
LOCKS = 7_314  # the first key of the advisory locks; the second is the provider's id
ALL_SECONDS = 10  # how often a sweep includes providers that have no orders to send

# A provider is looked after as long as it owes anything: a refill of an order that has ended, too.
_DUE = """
SELECT p.id FROM providers_provider p
WHERE (NOT p.is_paused AND (p.retry_at IS NULL OR p.retry_at <= now()) AND (
           EXISTS (
               SELECT FROM orders_upstreamorder u LEFT JOIN providers_routepause h ON h.route_id = u.route_id
               WHERE u.provider_id = p.id AND u.state = 'queued' AND u.due_at <= now()
                 AND (h.until IS NULL OR h.until <= now())
           )
           OR %(is_for_all)s AND (
               EXISTS (SELECT FROM orders_upstreamorder u WHERE u.provider_id = p.id)
               OR p.id IN (
                   SELECT a.provider_id FROM orders_refill r
                   JOIN orders_attempt a ON a.order_id = r.order_id AND a.state = 'sent'
                   WHERE r.status IN ('Pending', 'In progress')
               )
           )
      ))
   OR EXISTS (SELECT FROM orders_upstreamorder u WHERE u.provider_id = p.id AND u.state = 'sending')
"""


@app.periodic(cron="* * * * * */2")
@app.task(name="provider.visit_due", queueing_lock="sweep")
def wake_due_visits(timestamp: int) -> None:
    """Move orders on whose route has closed or opened, then queue a visit to each provider with orders to send.

    Placing an order queues a visit by itself; this sweep catches the visits that got lost. Every ten seconds it
    includes the providers that only have orders to poll, or refills to pass on. `timestamp` counts the seconds since
    1970.
    """
    in_transaction(partial(rerouting.move_on, limit=REROUTED_MAX))
    is_for_all = timestamp % ALL_SECONDS == 0
    in_transaction(
        lambda raw: dispatch_queue.defer_visits(raw, [row[0] for row in raw.execute(_DUE, {"is_for_all": is_for_all})])
    )


@app.task(name=dispatch_queue.VISIT)
def visit_provider(provider: int) -> None:
    """Visit the provider, unless another worker is visiting it."""
    with _exclusive_use(provider) as is_ours:
        if is_ours:
            _visit(provider)


def _visit(number: int) -> None:
    in_transaction(lambda raw: dispatching.abandon(raw, number))
    provider = Provider.objects.filter(pk=number, is_paused=False).exclude(retry_at__gt=Now()).first()
    if provider is None:
        return
    try:
        throttled = ThrottledClient(provider)
    except (DecryptionError, ValueError) as error:
        provider_pause.pause_provider(number, Pause(provider_pause.UNUSABLE, str(error)))
        return
    until = time.monotonic() + VISIT_SECONDS_MAX
    with throttled:
        while not is_stopping() and time.monotonic() < until and _step(throttled, provider):
            throttled.note_health()


def _step(throttled: ThrottledClient, provider: Provider) -> bool:
    """Do the most urgent step. Return whether the visit goes on: there was work, and the provider isn't paused."""
    if dispatch.send_queued(throttled, provider):
        return provider_pause.wait_out(provider)
    return cancels_and_refills.forward_requests(throttled, provider) or poll.poll_orders(throttled, provider)


@contextlib.contextmanager
def _exclusive_use(provider: int) -> Iterator[bool]:
    """Yield whether this worker got the provider's lock. The lock ends with the connection, even of a killed worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCKS, provider])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCKS, provider])
