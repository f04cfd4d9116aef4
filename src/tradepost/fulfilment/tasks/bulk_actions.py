"""Run the bulk actions of staff on many orders, a batch at a time, until they are done or staff stop them."""

import logging
from functools import partial

import psycopg
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tradepost.database import in_transaction
from tradepost.orders.bulk_actions import executor
from tradepost.shutdown import is_stopping

logger = logging.getLogger(__name__)

# The engine's statements raise psycopg's errors; Django's statements raise its own errors of the same names.
UNAVAILABLE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
REFUSALS = (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError)


@app.periodic(cron="* * * * * */5")
@app.task(name="orders.resume_bulk_actions", queueing_lock="sweep bulk")
def resume_bulk_actions(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Go on with the actions whose worker died or was stopped."""
    for action in executor.abandoned_actions():
        defer_bulk_action(action)


def defer_bulk_action(action: int) -> None:
    """Queue a job that runs the bulk action, unless one is queued already."""
    try:
        with transaction.atomic():
            run_bulk_action.configure(queueing_lock=f"bulk {action}").defer(action=action)
    except AlreadyEnqueued:
        return


@app.task(name="orders.bulk_action")
def run_bulk_action(action: int) -> None:
    """Work through the action, unless another worker is doing so."""
    while not is_stopping() and _next_batch(action):
        pass


def _next_batch(action: int) -> bool:
    """Act on the next batch. If the batch fails, act order by order, so that only the failing orders are left out."""
    try:
        return in_transaction(partial(executor.run_batch, action=action))
    except UNAVAILABLE:
        raise
    except Exception:  # noqa: BLE001 - doing the batch order by order finds the order that failed, and the reason
        return all(_next_order(action) for _ in range(executor.BATCH))


def _next_order(action: int) -> bool:
    try:
        return in_transaction(partial(executor.run_batch, action=action, limit=1))
    except UNAVAILABLE:
        raise
    except REFUSALS as error:
        why = str(error)
    except Exception as error:
        logger.exception("an order of bulk action %s failed", action)
        why = f"failed for a reason that is in the worker's log: {type(error).__name__}"
    in_transaction(partial(executor.fail_next, action=action, why=why))
    return True
