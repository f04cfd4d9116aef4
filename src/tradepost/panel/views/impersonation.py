"""The end of an impersonation: the member of staff returns to the back office."""

from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from hijack.views import ReleaseUserView

from tradepost.accounts import impersonation, staff_sessions


class EndImpersonationView(ReleaseUserView):  # type: ignore[misc] # published without types
    """Ends an impersonation and returns the member of staff to their own session."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """End the impersonation, then open the customer's page in the back office."""
        row = impersonation.current(request)
        assert row, "hijack refuses this view without an impersonation"
        kept = staff_sessions.keep_through_login(request.session)
        super().post(request, *args, **kwargs)
        staff_sessions.end_impersonation(request.session, kept)
        impersonation.end(row.pk)
        UserSession.objects.create_from_request(request)
        return redirect("admin:accounts_account_change", row.account_id)
