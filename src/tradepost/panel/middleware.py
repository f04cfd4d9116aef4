"""Middleware of the panel: whole-page redirects for htmx, language and time zone, and the limits of impersonation."""

import zoneinfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from tradepost.accounts import impersonation, time_zones
from tradepost.accounts.models import Account
from tradepost.http_types import GetResponse


def htmx_redirect_middleware(get_response: GetResponse) -> GetResponse:
    """Let the browser follow redirects of htmx requests, so that a sign-in page replaces the whole page."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if isinstance(response, HttpResponseRedirect) and request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(response.url)
        return response

    return answer


def preferences_middleware(get_response: GetResponse) -> GetResponse:
    """Answer in the language and time zone of the account, else of the browser. The back office keeps its own."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(reverse("admin:index")):
            return get_response(request)
        account = request.user if isinstance(request.user, Account) else None
        if account and account.language:
            translation.activate(account.language)
            request.LANGUAGE_CODE = account.language
        zone = (account.timezone if account else "") or time_zones.from_browser(request) or settings.TIME_ZONE
        with timezone.override(zoneinfo.ZoneInfo(zone)):
            return get_response(request)

    return answer


def impersonation_middleware(get_response: GetResponse) -> GetResponse:
    """End an impersonation that is no longer valid, and refuse pages that are for the customer only."""

    def answer(request: HttpRequest) -> HttpResponse:
        row = impersonation.in_session(request)
        if row is None:
            return get_response(request)
        if not impersonation.is_valid(row):
            impersonation.end(row.pk)
            logout(request)
            messages.info(request, _("You are no longer signed in as a customer. Sign in again."))
            return redirect("account_login")
        request.impersonation = row  # type: ignore[attr-defined] # read by `impersonation.current`
        if _is_for_customer_only(request):
            return render(request, "panel/not_yours.html", status=403)
        return get_response(request)

    return answer


def _is_for_customer_only(request: HttpRequest) -> bool:
    """Return whether a page is for the customer only: password, address, second factor, sessions, and making keys."""
    if request.path == reverse("account_logout"):
        return False
    is_sign_in = request.path.startswith(reverse("account_login").removesuffix("login/"))
    return is_sign_in or (request.method == "POST" and request.path.startswith(reverse("panel:keys")))
