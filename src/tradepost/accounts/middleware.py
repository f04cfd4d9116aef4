"""The middleware that ends sessions of staff.

A page that refreshes itself says so by the header `Tradepost-Refresh`, so that an open page keeps no session alive.
"""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from tradepost.accounts import impersonation, staff_sessions
from tradepost.http_types import GetResponse

REFRESH = "Tradepost-Refresh"


def staff_session_middleware(get_response: GetResponse) -> GetResponse:
    """End a session of staff that is too old, or in which nothing was done for too long."""

    def answer(request: HttpRequest) -> HttpResponse:
        if not _is_of_staff(request):
            return get_response(request)
        if staff_sessions.has_ended(request.session):
            return _sign_out(request)
        if not _is_refresh(request) or staff_sessions.SEEN not in request.session:
            staff_sessions.note_activity(request.session)
        return get_response(request)

    return answer


def _is_of_staff(request: HttpRequest) -> bool:
    is_staff = bool(getattr(request.user, "is_staff", False) or getattr(request.user, "is_superuser", False))
    return is_staff or impersonation.SESSION_KEY in request.session


def _is_refresh(request: HttpRequest) -> bool:
    return request.method in {"GET", "HEAD"} and REFRESH in request.headers


def _sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, and any impersonation in it. The sign-in page leads back to the page that was asked for."""
    if row := request.session.get(impersonation.SESSION_KEY):
        impersonation.end(row)
    is_page = request.method == "GET" and not request.headers.get("HX-Request")
    logout(request)
    messages.info(request, _("Your session has ended. Sign in again."))
    response = redirect("account_login")
    if is_page:
        response["Location"] += f"?{urlencode({'next': request.get_full_path()})}"
    return response
