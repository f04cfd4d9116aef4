"""Logged in as somebody: a member of staff sees the panel as a customer does, for an hour at most.

django-hijack changes places within the session; who did so, as whom, why and until when is a row of ours, written in
the transaction that begins it. The customer's sessions, second factor and last login are left as they are.
"""

from datetime import timedelta

from django.db.models.functions import Least, Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from hijack.views import AcquireUserView

from tradepost.accounts import staff_events
from tradepost.accounts.models import Account, EventKind, Impersonation

LASTS = timedelta(hours=1)
PERMISSION = "accounts.impersonate_account"
SESSION_KEY = "acting"


def may(*, hijacker: Account, hijacked: Account) -> bool:
    """Tell whether somebody may log in as somebody else: as customers only, and only as those who can sign in."""
    is_customer = hijacked.test_of_id is None and not (hijacked.is_staff or hijacked.is_superuser)
    return hijacker.is_staff and hijacker.has_perm(PERMISSION) and hijacked.is_active and is_customer


class HijackView(AcquireUserView):  # type: ignore[misc] # published without types
    """Puts whoever asks in a customer's place, which a POST names (`user_pk`), for a reason (`reason`)."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Write it down, then do it."""
        assert isinstance(request.user, Account)
        staff, account, reason = request.user, self.get_object(), request.POST["reason"].strip()
        begun = Impersonation.objects.create(
            account=account,
            staff=staff,
            reason=reason,
            address=staff_events.address_of(request),
            expires_at=timezone.now() + LASTS,
        )
        staff_events.record(request, account, EventKind.LOGGED_IN_AS, reason=reason)
        response: HttpResponse = super().post(request, *args, **kwargs)
        request.session[SESSION_KEY] = begun.pk
        return response


def begun(request: HttpRequest) -> Impersonation | None:
    """Return what a session's login as somebody is, whether it is good or over."""
    row = request.session.get(SESSION_KEY)
    return Impersonation.objects.select_related("staff", "account").get(pk=row) if row else None


def is_good(row: Impersonation) -> bool:
    """Tell whether it goes on: its hour is not over, and whoever began it may still."""
    is_open = row.ended_at is None and timezone.now() < row.expires_at
    return is_open and row.staff.is_active and may(hijacker=row.staff, hijacked=row.account)


def finish(row: int) -> None:
    """Write down that it is over, if nobody has before."""
    Impersonation.objects.filter(pk=row, ended_at=None).update(ended_at=Least(Now(), "expires_at"))


def of(request: HttpRequest) -> Impersonation | None:
    """Return as whom whoever asks is logged in, if as somebody; the panel's guard has looked it up."""
    return getattr(request, "acting", None)


def actor(request: HttpRequest, otherwise: str) -> str:
    """Return how what a request does is signed: by both, if somebody acts for somebody."""
    row = of(request)
    return row.signature if row else otherwise
