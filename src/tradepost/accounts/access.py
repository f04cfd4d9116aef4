"""Who gets in: suspending and activating, ending sessions, and helping whoever has lost a password or second factor.

Each is written down as an event, in the transaction that does it; mails leave once that is committed.
"""

from collections.abc import Sequence
from functools import partial

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import translation

from tradepost.accounts import creation, staff_events
from tradepost.accounts.models import Account, EventKind


@transaction.atomic
def set_active(request: HttpRequest, account: Account, *, active: bool, reason: str = "") -> bool:
    """Suspend or activate an account, and tell whether that changed anything.

    From the next request on its keys and its sessions are refused, on every node, and nobody signs in to it.
    """
    changed = Account.objects.filter(pk=account.pk, is_active=not active).update(is_active=active)
    if changed:
        staff_events.record(request, account, EventKind.ACTIVATED if active else EventKind.SUSPENDED, reason=reason)
    return bool(changed)


@transaction.atomic
def end_sessions(request: HttpRequest, account: Account, sessions: Sequence[int], *, reason: str) -> int:
    """End some of an account's sessions, by their ids, and return how many there were."""
    ending = list(UserSession.objects.filter(user=account, pk__in=sessions))
    for session in ending:
        session.end()
    if ending:
        staff_events.record(request, account, EventKind.SESSIONS_ENDED, reason=reason, before=f"{len(ending)} of them")
    return len(ending)


@transaction.atomic
def mail_reset(request: HttpRequest, account: Account, *, reason: str) -> None:
    """Send the mail by which an account's password is set anew, as the sign-in page does."""
    staff_events.record(request, account, EventKind.RESET_MAILED, reason=reason)
    transaction.on_commit(partial(request_password_reset, request, str(account.email), [account], None))


def is_confirmed(account: Account) -> bool:
    """Tell whether the address that an account signs in with is known to be its own."""
    return bool(EmailAddress.objects.filter(user=account, email=account.email, verified=True).exists())


@transaction.atomic
def confirm_email(request: HttpRequest, account: Account, *, reason: str) -> None:
    """Take an account's address for its own, on whoever's word."""
    creation.mark_email_verified(account)
    staff_events.record(request, account, EventKind.EMAIL_CONFIRMED, reason=reason)


def has_second_factor(account: Account) -> bool:
    """Tell whether an account asks for more than a password."""
    return bool(Authenticator.objects.filter(user=account).exists())


@transaction.atomic
def turn_second_factor_off(request: HttpRequest, account: Account, *, reason: str) -> bool:
    """Forget an account's authenticator app, passkeys and recovery codes, and tell its owner by mail."""
    deleted, _ = Authenticator.objects.filter(user=account).delete()
    if deleted:
        staff_events.record(request, account, EventKind.SECOND_FACTOR_OFF, reason=reason, before=f"{deleted} of them")
        transaction.on_commit(partial(_tell, account, "accounts/email/second_factor_off"))
    return bool(deleted)


def _tell(account: Account, mail: str) -> None:
    """Send a mail in the account's language."""
    with translation.override(account.language or settings.LANGUAGE_CODE):
        get_adapter().send_mail(mail, str(account.email), {})
