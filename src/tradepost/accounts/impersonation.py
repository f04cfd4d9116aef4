"""Impersonation: a member of staff sees the panel as a customer does, for an hour at most.

django-hijack changes the account of the session. Our row `Impersonation`, created in the same transaction, records who
logged in as whom, why, and until when. The customer's own sessions, second factor and last login do not change.
"""

from datetime import timedelta

from django.db.models.functions import Least, Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from hijack.views import AcquireUserView

from tradepost.accounts import staff_events, staff_sessions
from tradepost.accounts.models import Account, EventKind, Impersonation

DURATION = timedelta(hours=1)
PERMISSION = "accounts.impersonate_account"
SESSION_KEY = "acting"


def may_impersonate(*, hijacker: Account, hijacked: Account) -> bool:
    """Return whether staff may log in as this account: only as customers, and only if the customer can sign in."""
    is_customer = hijacked.test_of_id is None and not (hijacked.is_staff or hijacked.is_superuser)
    return hijacker.is_staff and hijacker.has_perm(PERMISSION) and hijacked.is_active and is_customer


class HijackView(AcquireUserView):  # type: ignore[misc] # published without types
    """Logs a member of staff in as a customer. The POST has the customer (`user_pk`) and the `reason`."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Record the impersonation, then begin it."""
        assert isinstance(request.user, Account)
        staff, account, reason = request.user, self.get_object(), request.POST["reason"].strip()
        row = Impersonation.objects.create(
            account=account,
            staff=staff,
            reason=reason,
            address=staff_events.address_of(request),
            expires_at=timezone.now() + DURATION,
        )
        staff_events.record(request, account, EventKind.LOGGED_IN_AS, reason=reason)
        kept = staff_sessions.keep_through_login(request.session)
        response: HttpResponse = super().post(request, *args, **kwargs)
        request.session[SESSION_KEY] = row.pk
        staff_sessions.begin_impersonation(request.session, kept)
        return response


def in_session(request: HttpRequest) -> Impersonation | None:
    """Return the session's impersonation, valid or not."""
    row = request.session.get(SESSION_KEY)
    return Impersonation.objects.select_related("staff", "account").get(pk=row) if row else None


def is_valid(row: Impersonation) -> bool:
    """Return whether an impersonation may go on: it has not ended, and the member of staff still has the right."""
    is_open = row.ended_at is None and timezone.now() < row.expires_at
    return is_open and row.staff.is_active and may_impersonate(hijacker=row.staff, hijacked=row.account)


def end(row: int) -> None:
    """Record the end of an impersonation. If it has ended already, do nothing."""
    Impersonation.objects.filter(pk=row, ended_at=None).update(ended_at=Least(Now(), "expires_at"))


def current(request: HttpRequest) -> Impersonation | None:
    """Return the request's valid impersonation, if there is one. The panel's middleware has looked it up."""
    return getattr(request, "impersonation", None)


def actor_of(request: HttpRequest, default: str) -> str:
    """Return the actor to record: «staff as customer» during impersonation, else `default`."""
    row = current(request)
    return row.signature if row else default
