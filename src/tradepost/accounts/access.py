"""Access to accounts: suspending, activating, ending sessions, and help after a lost password or second factor.

Each function records an event in its own transaction. Mails are sent after the commit.
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

from tradepost.accounts import creation, sign_in_log, staff_events
from tradepost.accounts.models import Account, EventKind, SignInKind


@transaction.atomic
def set_active(request: HttpRequest, account: Account, *, active: bool, reason: str = "") -> bool:
    """Suspend or activate an account. Return whether that changed anything.

    From the next request on, every node refuses the keys and sessions of a suspended account, and its sign-in.
    """
    changed = Account.objects.filter(pk=account.pk, is_active=not active).update(is_active=active)
    if changed:
        staff_events.record(request, account, EventKind.ACTIVATED if active else EventKind.SUSPENDED, reason=reason)
    return bool(changed)


@transaction.atomic
def end_sessions(request: HttpRequest, account: Account, sessions: Sequence[int], *, reason: str) -> int:
    """End the account's sessions with these ids. Return how many were ended."""
    rows = list(UserSession.objects.filter(user=account, pk__in=sessions))
    for session in rows:
        session.end()
    if rows:
        detail = f"{len(rows)} of them, by staff"
        sign_in_log.record(request, SignInKind.SESSIONS_ENDED, account=account, detail=detail)
        staff_events.record(request, account, EventKind.SESSIONS_ENDED, reason=reason, before=f"{len(rows)} of them")
    return len(rows)


@transaction.atomic
def mail_reset(request: HttpRequest, account: Account, *, reason: str) -> None:
    """Send the mail with the link to set a new password, as the sign-in page does."""
    staff_events.record(request, account, EventKind.RESET_MAILED, reason=reason)
    transaction.on_commit(partial(request_password_reset, request, str(account.email), [account], None))


def is_confirmed(account: Account) -> bool:
    """Return whether the account's e-mail address is verified."""
    return bool(EmailAddress.objects.filter(user=account, email=account.email, verified=True).exists())


@transaction.atomic
def confirm_email(request: HttpRequest, account: Account, *, reason: str) -> None:
    """Mark the account's e-mail address as verified, on the word of staff."""
    creation.mark_email_verified(account)
    staff_events.record(request, account, EventKind.EMAIL_CONFIRMED, reason=reason)


def has_second_factor(account: Account) -> bool:
    """Return whether the account has an authenticator app, a passkey or recovery codes."""
    return bool(Authenticator.objects.filter(user=account).exists())


@transaction.atomic
def turn_second_factor_off(request: HttpRequest, account: Account, *, reason: str) -> bool:
    """Delete the account's authenticator app, passkeys and recovery codes, and inform the customer by mail."""
    deleted, _ = Authenticator.objects.filter(user=account).delete()
    if deleted:
        detail = f"{deleted} of them, by staff"
        sign_in_log.record(request, SignInKind.FACTOR_REMOVED, account=account, detail=detail)
        staff_events.record(request, account, EventKind.SECOND_FACTOR_OFF, reason=reason, before=f"{deleted} of them")
        transaction.on_commit(partial(_send_mail, account, "accounts/email/second_factor_off"))
    return bool(deleted)


def _send_mail(account: Account, template_prefix: str) -> None:
    """Send a mail in the account's language."""
    with translation.override(account.language or settings.LANGUAGE_CODE):
        get_adapter().send_mail(template_prefix, str(account.email), {})
