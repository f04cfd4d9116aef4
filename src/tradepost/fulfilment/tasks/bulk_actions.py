"""What staff has done to many orders at once, a batch at a time, until it is over or somebody stops it."""

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

# The engine's statements fail with psycopg's errors, Django's with its own of the same names.
UNAVAILABLE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
REFUSALS = (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError)


@app.periodic(cron="* * * * * */5")
@app.task(name="orders.resume_bulk_actions", queueing_lock="sweep bulk")
def resume_bulk_actions(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Go on with what a worker has left when it died or was stopped."""
    for action in executor.left_behind():
        start(action)


def start(action: int) -> None:
    """Have a bulk action worked on as soon as a worker is free, unless that is on its way already."""
    try:
        with transaction.atomic():
            run_bulk_action.configure(queueing_lock=f"bulk {action}").defer(action=action)
    except AlreadyEnqueued:
        return


@app.task(name="orders.bulk_action")
def run_bulk_action(action: int) -> None:
    """Work through it, unless another worker is at it."""
    while not is_stopping() and _next_batch(action):
        pass


def _next_batch(action: int) -> bool:
    """Do a batch; one that fails is done order by order, so that the others of it are done."""
    try:
        return in_transaction(partial(executor.work, action=action))
    except UNAVAILABLE:
        raise
    except Exception:  # noqa: BLE001 - which order it is, and what of it, is told by the order
        return all(_next_order(action) for _ in range(executor.BATCH))


def _next_order(action: int) -> bool:
    try:
        return in_transaction(partial(executor.work, action=action, limit=1))
    except UNAVAILABLE:
        raise
    except REFUSALS as error:
        why = str(error)
    except Exception as error:
        logger.exception("an order of bulk action %s failed", action)
        why = f"failed for a reason that is in the worker's log: {type(error).__name__}"
    in_transaction(partial(executor.fail_next, action=action, why=why))
    return True
