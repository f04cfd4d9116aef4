"""Access to accounts: suspending, activating, ending sessions, another address, a lost password or second factor.

Each function records an event in its own transaction, and the account gets a mail about it after the commit.
"""

from collections.abc import Sequence
from functools import partial

from allauth.account.internal.flows.password_reset import request_password_reset
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.http import HttpRequest

from tradepost.accounts import creation, sign_in_log, staff_events, staff_mails
from tradepost.accounts.models import CHANGE_CHARS_MAX, Account, EventKind, SignInKind
from tradepost.accounts.staff_mails import StaffMail
from tradepost.engine.exceptions import TradepostError


@transaction.atomic
def set_active(request: HttpRequest, account: Account, *, active: bool, reason: str = "") -> bool:
    """Suspend or activate an account. Return whether that changed anything.

    From the next request on, every node refuses the keys and sessions of a suspended account, and its sign-in.
    """
    changed = Account.objects.filter(pk=account.pk, is_active=not active).update(is_active=active)
    if changed:
        staff_events.record(request, account, EventKind.ACTIVATED if active else EventKind.SUSPENDED, reason=reason)
        staff_mails.send_later(account, StaffMail.ACTIVATED if active else StaffMail.SUSPENDED)
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
        staff_mails.send_later(account, StaffMail.SESSIONS_ENDED)
    return len(rows)


@transaction.atomic
def mail_reset(request: HttpRequest, account: Account, *, reason: str) -> None:
    """Send the mail with the link to set a new password, as the sign-in page does."""
    staff_events.record(request, account, EventKind.RESET_MAILED, reason=reason)
    transaction.on_commit(partial(_mail_reset, request, account))


def _mail_reset(request: HttpRequest, account: Account) -> None:
    with staff_mails.in_language_of(account):
        request_password_reset(request, str(account.email), [account], None)


def is_confirmed(account: Account) -> bool:
    """Return whether the account's e-mail address is verified."""
    return bool(EmailAddress.objects.filter(user=account, email=account.email, verified=True).exists())


@transaction.atomic
def confirm_email(request: HttpRequest, account: Account, *, reason: str) -> None:
    """Mark the account's e-mail address as verified, on the word of staff."""
    creation.mark_email_verified(account)
    staff_events.record(request, account, EventKind.EMAIL_CONFIRMED, reason=reason)
    staff_mails.send_later(account, StaffMail.EMAIL_CONFIRMED)


class AddressTakenError(TradepostError):
    """Another account has this address, or is about to get it."""


@transaction.atomic
def change_address(request: HttpRequest, account: Account, email: str, *, reason: str) -> None:
    """Begin to change the address of an account. Raises `AddressTakenError`.

    1. The new address gets a link, the old one a mail that says so.
    2. Until the link is followed, the old address stays the one to sign in with and to reset the password by.
    3. The link is followed only by a person who reads the new address's mail: from then on the account has only this
       address, and allauth mails the old one again.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if is_taken(email, but_for=account):
        raise AddressTakenError
    EmailAddress.objects.filter(user=account).exclude(email=account.email).delete()
    address = EmailAddress.objects.create(user=account, email=email, verified=False, primary=False)
    staff_events.record(
        request,
        account,
        EventKind.ADDRESS_CHANGE,
        reason=reason,
        before=str(account.email)[:CHANGE_CHARS_MAX],
        after=email[:CHANGE_CHARS_MAX],
    )
    staff_mails.send_later(account, StaffMail.ADDRESS_CHANGE, new_email=email)
    transaction.on_commit(partial(_mail_confirmation, request, account, address))


def is_taken(email: str, *, but_for: Account | None = None) -> bool:
    """Return whether an account has this address, or is about to get it; `but_for` may be about to."""
    others = EmailAddress.objects.filter(email=email).exclude(user=but_for)
    return Account.objects.filter(email=email).exists() or others.exists()


def pending_address(account: Account) -> str:
    """Return the address to which the account is being changed; empty if there is none."""
    addresses = EmailAddress.objects.filter(user=account, verified=False).exclude(email=account.email)
    return addresses.values_list("email", flat=True).first() or ""


def _mail_confirmation(request: HttpRequest, account: Account, address: EmailAddress) -> None:
    with staff_mails.in_language_of(account):
        address.send_confirmation(request)


def has_second_factor(account: Account) -> bool:
    """Return whether the account has an authenticator app, a passkey or recovery codes."""
    return bool(Authenticator.objects.filter(user=account).exists())


@transaction.atomic
def turn_second_factor_off(request: HttpRequest, account: Account, *, reason: str) -> bool:
    """Delete the account's authenticator app, passkeys and recovery codes, and inform its owner by mail."""
    deleted, _ = Authenticator.objects.filter(user=account).delete()
    if deleted:
        detail = f"{deleted} of them, by staff"
        sign_in_log.record(request, SignInKind.FACTOR_REMOVED, account=account, detail=detail)
        staff_events.record(request, account, EventKind.SECOND_FACTOR_OFF, reason=reason, before=f"{deleted} of them")
        staff_mails.send_later(account, StaffMail.SECOND_FACTOR_OFF)
    return bool(deleted)
