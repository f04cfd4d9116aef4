"""The tasks that keep the totals."""

from procrastinate.contrib.django import app

from tradepost.reports import rolling
from tradepost.stopping import is_stopping

SECONDS_MAX = 50  # then the worker may stop; the rest is booked by the next one


@app.periodic(cron="* * * * * */10")
@app.task(queueing_lock="roll up", lock="roll up")
def roll_up(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Book what is new, step by step, until it is time to stop."""
    for _ in rolling.catch_up(seconds_max=SECONDS_MAX):
        if is_stopping():
            return


@app.periodic(cron="27 3 * * *")
@app.task(queueing_lock="forget details", lock="forget details")
def forget_details(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Forget what is kept for a while only."""
    rolling.forget()
