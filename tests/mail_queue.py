"""Mails that pages have left for the worker."""

from django.core import mail
from django.core.mail import EmailMessage


def mailed() -> list[EmailMessage]:
    """Send what waits, as the worker does, and return all mails of the test."""
    from tradepost.accounts import outgoing_mail

    outgoing_mail.send_due()
    sent: list[EmailMessage] = mail.outbox
    return sent


def empty() -> None:
    """Forget the mails of earlier tests, sent or waiting."""
    from tradepost.accounts.models import OutgoingMail

    OutgoingMail.objects.all().delete()
    mail.outbox = []
