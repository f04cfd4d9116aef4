"""Send the mails that pages have left for the worker."""

from procrastinate.contrib.django import app

from tradepost.accounts import outgoing_mail


@app.periodic(cron="* * * * * *")
@app.task(name="mails.send", queueing_lock="mails", lock="mails")
def send_mails(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Send the mails that are due. One job at a time, so a slow mail server keeps one place of the worker busy."""
    outgoing_mail.send_due()
