"""Drip-feeds: their runs are made when they are due."""

from django.db import transaction
from procrastinate.contrib.django import app

from tradepost.database import engine_connection
from tradepost.engine import dripfeeding


@app.periodic(cron="* * * * * */2")
@app.task(name="orders.run_dripfeeds", queueing_lock="run", lock="run")
def run(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Make every run that is due, a batch a transaction."""
    made = dripfeeding.BATCH
    while made == dripfeeding.BATCH:
        with transaction.atomic():
            made = dripfeeding.make_due(engine_connection())
