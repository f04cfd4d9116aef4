"""The tasks that keep the totals up to date."""

from procrastinate.contrib.django import app

from tradepost.database import engine_connection
from tradepost.reports import rollup
from tradepost.shutdown import cancelled_by_stop

SECONDS_MAX = 50  # the next job books the rest


@app.periodic(cron="* * * * * */10")
@app.task(name="reports.rollup", queueing_lock="roll up", lock="roll up")
def roll_up(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Book new rows, step by step. If the worker stops, the current step is rolled back."""
    with cancelled_by_stop(engine_connection()):
        for _ in rollup.catch_up(seconds_max=SECONDS_MAX):
            pass


@app.periodic(cron="27 3 * * *")
@app.task(name="reports.delete_details", queueing_lock="forget details", lock="forget details")
def delete_details(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Delete the details that are kept for a limited time only."""
    rollup.delete_expired_details()
