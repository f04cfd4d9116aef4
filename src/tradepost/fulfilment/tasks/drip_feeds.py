"""Make the runs of drip-feeds when they are due."""

from django.db import transaction
from procrastinate.contrib.django import app

from tradepost.database import engine_connection
from tradepost.engine import drip_feeds


@app.periodic(cron="* * * * * */2")
@app.task(name="orders.run_dripfeeds", queueing_lock="run", lock="run")
def make_due_runs(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Make every run that is due, each batch in a transaction of its own."""
    made = drip_feeds.BATCH
    while made == drip_feeds.BATCH:
        with transaction.atomic():
            made = drip_feeds.make_due(engine_connection())
