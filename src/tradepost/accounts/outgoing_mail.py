"""Mails wait in a table for the worker. So no page waits for a mail server, and none tells by its time what was sent.

A mail is deleted once the mail server has taken it. If the server is away, it is tried again, for three days.
"""

import logging
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from tradepost.accounts.models import OutgoingMail

TRIED_FOR = timedelta(days=3)
FIRST_PAUSE = timedelta(seconds=30)
PAUSE_MAX = timedelta(hours=1)
MAILS_MAX = 100  # in one go
PERMANENT = 500  # from this SMTP code on, trying again is of no use

logger = logging.getLogger(__name__)


def enqueue(message: EmailMessage) -> None:
    """Store a mail, in the transaction of the caller. The worker sends it a moment later."""
    OutgoingMail.objects.create(
        recipient=message.to[0], sender=message.from_email, subject=str(message.subject), body=str(message.body)
    )


def send_due() -> None:
    """Send the mails that are due, one after another. Two workers never send the same."""
    for _ in range(MAILS_MAX):
        if not _send_next():
            return


@transaction.atomic
def _send_next() -> bool:
    """Send the mail that has waited longest, and return whether there was one.

    The row is locked until it is deleted. A crash in between sends the mail a second time rather than never.
    """
    due = OutgoingMail.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    mail = due.select_for_update(skip_locked=True).first()
    if mail is None:
        return False
    try:
        EmailMessage(mail.subject, mail.body, mail.sender, [mail.recipient]).send()
    except (OSError, SMTPException) as error:
        _try_later(mail, error)
    else:
        mail.delete()
    return True


def _try_later(mail: OutgoingMail, error: Exception) -> None:
    """Have the mail tried again later, or give it up. The log names neither its text nor its links."""
    if _is_permanent(error) or timezone.now() - mail.created_at > TRIED_FOR:
        logger.error("Mail %d is given up after %d tries: %r", mail.pk, mail.tries + 1, error)
        mail.delete()
        return
    logger.warning("Mail %d can't be sent yet: %r", mail.pk, error)
    mail.due_at = timezone.now() + min(FIRST_PAUSE * 2**mail.tries, PAUSE_MAX)
    mail.tries += 1
    mail.save(update_fields=["due_at", "tries"])


def _is_permanent(error: Exception) -> bool:
    if not isinstance(error, SMTPRecipientsRefused):
        return False
    return all(code >= PERMANENT for code, _ in error.recipients.values())
