"""End subscriptions that have passed their last day."""

from django.db import transaction
from procrastinate.contrib.django import app

from tradepost.database import engine_connection
from tradepost.engine import subscriptions
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status

BATCH = 1_000


@app.periodic(cron="1 * * * *")
@app.task(name="orders.expire_subscriptions", queueing_lock="expire", lock="expire")
def expire_subscriptions(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """End the subscriptions past their last day and refund the posts that never came, each batch in a transaction."""
    ended = BATCH
    while ended == BATCH:
        with transaction.atomic():
            connection = engine_connection()
            expired = subscriptions.find_expired(connection, limit=BATCH)
            settle(connection, [Report(order, Status.EXPIRED) for order in expired], actor="expiry")
            ended = len(expired)
