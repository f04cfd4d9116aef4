"""What staff has done to many orders at once, a batch at a time, until it is over or somebody stops it."""

from functools import partial

from django.db import DataError, IntegrityError, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tradepost.database import in_transaction
from tradepost.fulfilment.stopping import is_stopping
from tradepost.orders.bulk import working


@app.periodic(cron="* * * * * */5")
@app.task(queueing_lock="sweep bulk")
def sweep_bulk(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Go on with what a worker has left when it died or was stopped."""
    for action in working.left_behind():
        start(action)


def start(action: int) -> None:
    """Have a bulk action worked on as soon as a worker is free, unless that is on its way already."""
    try:
        with transaction.atomic():
            bulk.configure(queueing_lock=f"bulk {action}").defer(action=action)
    except AlreadyEnqueued:
        return


@app.task
def bulk(action: int) -> None:
    """Work through it, unless another worker is at it."""
    while not is_stopping() and _next_batch(action):
        pass


def _next_batch(action: int) -> bool:
    """Do a batch; one that the database refuses is done order by order, and says of which it was refused."""
    try:
        return in_transaction(partial(working.work, action=action))
    except (DataError, IntegrityError):
        return all(_next_order(action) for _ in range(working.BATCH))


def _next_order(action: int) -> bool:
    try:
        return in_transaction(partial(working.work, action=action, limit=1))
    except (DataError, IntegrityError) as error:
        in_transaction(partial(working.fail_next, action=action, why=str(error)))
        return True
