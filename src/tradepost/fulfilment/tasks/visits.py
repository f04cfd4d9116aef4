"""Visits: a worker has a provider to itself for a while, and does for its orders whatever is due.

Orders are sent first, then cancels and refills, then it is asked how orders stand; between any two steps what has been
queued meanwhile is sent. Whatever is asked of a provider is asked during a visit, so its limits hold however many
workers there are.
"""

import contextlib
import time
from collections.abc import Iterator
from functools import partial

from django.db import connection
from django.db.models.functions import Now
from procrastinate.contrib.django import app

from tradepost.database import in_transaction
from tradepost.engine import dispatch_queue, dispatching
from tradepost.fulfilment import cancels_and_refills, dispatch, poll, provider_pause
from tradepost.fulfilment.provider_errors import Pause
from tradepost.fulfilment.throttled_client import ThrottledClient
from tradepost.providers.encryption import DecryptionError
from tradepost.providers.models import Provider
from tradepost.shutdown import is_stopping

VISIT_SECONDS_MAX = 60
REROUTED_MAX = 1_000  # at a time
LOCKS = 7_314  # the first key of our advisory locks; the second is the provider
ALL_SECONDS = 10  # how often a sweep is for every provider, not only for those with orders to send

_DUE = """
SELECT p.id FROM providers_provider p
WHERE (NOT p.is_paused AND (p.retry_at IS NULL OR p.retry_at <= now()) AND EXISTS (
           SELECT FROM orders_upstreamorder u
           WHERE u.provider_id = p.id AND (%s OR u.state = 'queued' AND u.due_at <= now())
      ))
   OR EXISTS (SELECT FROM orders_upstreamorder u WHERE u.provider_id = p.id AND u.state = 'sending')
"""


@app.periodic(cron="* * * * * */2")
@app.task(name="provider.visit_due", queueing_lock="sweep")
def wake_due_visits(timestamp: int) -> None:
    """Have providers visited where orders are to be sent: the net below the job that each placing starts by itself.

    Every ten seconds of `timestamp` (since 1970) it is for every provider that has orders to be asked about. What waits
    for a route that has been closed is sent another way first.
    """
    in_transaction(partial(dispatching.reroute, limit=REROUTED_MAX))
    is_for_all = timestamp % ALL_SECONDS == 0
    in_transaction(lambda raw: dispatch_queue.defer_visits(raw, [row[0] for row in raw.execute(_DUE, [is_for_all])]))


@app.task(name=dispatch_queue.VISIT)
def visit_provider(provider: int) -> None:
    """Do for a provider's orders what is due, unless another worker is at it."""
    with _to_itself(provider) as is_ours:
        if is_ours:
            _visit(provider)


def _visit(number: int) -> None:
    in_transaction(lambda raw: dispatching.abandon(raw, number))
    provider = Provider.objects.filter(pk=number, is_paused=False).exclude(retry_at__gt=Now()).first()
    if provider is None:
        return
    try:
        line = ThrottledClient(provider)
    except (DecryptionError, ValueError) as error:
        provider_pause.pause_provider(number, Pause(provider_pause.UNUSABLE, str(error)))
        return
    until = time.monotonic() + VISIT_SECONDS_MAX
    with line:
        while not is_stopping() and time.monotonic() < until and _step(line, provider):
            line.note_health()


def _step(line: ThrottledClient, provider: Provider) -> bool:
    """Do what is most urgent; tell whether there was anything, and nothing that speaks against going on."""
    if dispatch.send(line, provider):
        return provider_pause.wait_out(provider)
    return cancels_and_refills.pass_on(line, provider) or poll.ask(line, provider)


@contextlib.contextmanager
def _to_itself(provider: int) -> Iterator[bool]:
    """Have a provider to itself. The lock is its connection's: it ends with the worker, however that ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCKS, provider])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCKS, provider])
