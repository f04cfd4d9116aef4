"""Mails about what staff did to an account: each change of its address, credentials, keys and sessions.

They are in the account's language, name no member of staff, and go out after the commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.db import transaction
from django.utils import translation

from tradepost.accounts.models import Account
from tradepost.engine.enums import TextEnum

TEMPLATES = "accounts/email/"


class StaffMail(TextEnum):
    """What a mail is about: the names of its templates for text and subject."""

    SUSPENDED = "suspended"
    ACTIVATED = "activated"
    SESSIONS_ENDED = "sessions_ended"
    EMAIL_CONFIRMED = "email_confirmed"
    ADDRESS_CHANGE = "address_change"
    SECOND_FACTOR_OFF = "second_factor_off"
    KEY_RENAMED = "key_renamed"
    KEY_LIMITED = "key_limited"
    KEY_REVOKED = "key_revoked"


def send_later(account: Account, mail: StaffMail, **context: object) -> None:
    """Send the mail to the account's address after the commit. A test account's mail goes to its owner."""
    transaction.on_commit(partial(_send, account.test_of or account, mail, context))


@contextmanager
def in_language_of(account: Account) -> Iterator[None]:
    """Write mails in the account's language."""
    with translation.override(account.language or settings.LANGUAGE_CODE):
        yield


def _send(account: Account, mail: StaffMail, context: dict[str, object]) -> None:
    with in_language_of(account):
        get_adapter().send_mail(f"{TEMPLATES}{mail.value}", str(account.email), context)
