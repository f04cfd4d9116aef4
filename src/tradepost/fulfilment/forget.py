"""What is kept for a time only, forgotten when that is over."""

from django.db import transaction
from procrastinate.contrib.django import app

from tradepost.database import engine_connection
from tradepost.engine import retrying


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="forget", lock="forget")
def forget(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Forget the idempotency keys that are older than they are kept."""
    with transaction.atomic():
        retrying.forget(engine_connection())
