"""The tasks that keep the totals."""

from procrastinate.contrib.django import app

from tradepost.database import engine_connection
from tradepost.reports import rollup
from tradepost.shutdown import cancelled_by_stop

SECONDS_MAX = 50  # the rest is booked by the next one


@app.periodic(cron="* * * * * */10")
@app.task(name="reports.rollup", queueing_lock="roll up", lock="roll up")
def roll_up(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Book what is new, step by step, until it is time to stop; the step that is under way then is given up."""
    with cancelled_by_stop(engine_connection()):
        for _ in rollup.catch_up(seconds_max=SECONDS_MAX):
            pass


@app.periodic(cron="27 3 * * *")
@app.task(name="reports.delete_details", queueing_lock="forget details", lock="forget details")
def forget_details(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Forget what is kept for a while only."""
    rollup.forget()
