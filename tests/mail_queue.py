"""Mails that pages have left for the worker."""

import re

from django.core import mail
from django.core.mail import EmailMessage


def mailed() -> list[EmailMessage]:
    """Send what waits, as the worker does, and return all mails of the test."""
    from tradepost.accounts import outgoing_mail

    outgoing_mail.send_due()
    sent: list[EmailMessage] = mail.outbox
    return sent


def paths_in(message: EmailMessage | str) -> list[str]:
    """Return the paths of the links in a mail. They begin with the desk's address, whatever host was asked."""
    body = message if isinstance(message, str) else str(message.body)
    return re.findall(r"https?://[^/\s]+(/\S+)", body)


def empty() -> None:
    """Forget the mails of earlier tests, sent or waiting."""
    from tradepost.accounts.models import OutgoingMail

    OutgoingMail.objects.all().delete()
    mail.outbox = []
