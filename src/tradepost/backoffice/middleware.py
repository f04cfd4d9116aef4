"""Middleware of the back office: who gets in and by which sign-in, its language, currency and links."""

from http import HTTPStatus
from ipaddress import ip_address

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from tradepost.accounts import sign_in_log, staff_events, staff_sign_in
from tradepost.accounts.models import Account, SignInKind
from tradepost.backoffice.ui import links
from tradepost.backoffice.ui.fresh_sign_in import SignInNotFreshError, sign_in_again
from tradepost.backoffice.ui.site import site
from tradepost.http_types import GetResponse
from tradepost.site_settings import effective as site_settings

PREFIX = "/admin/"


def networks_middleware(get_response: GetResponse) -> GetResponse:
    """Answer 404 to clients outside the networks that may open the back office: there is nothing to see for them."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if f"{request.path_info}/".startswith(PREFIX) and not _is_from_allowed_network(request):
            raise Http404
        return get_response(request)

    return middleware


def _is_from_allowed_network(request: HttpRequest) -> bool:
    networks = settings.TRADEPOST_ADMIN_NETWORKS
    if not networks:
        return True
    try:
        address = ip_address(staff_events.address_of(request))
    except (PermissionDenied, ValueError):  # the address is not known, as at a Unix socket without a proxy's word
        return False
    return any(address in network for network in networks)


def second_factor_middleware(get_response: GetResponse) -> GetResponse:
    """Lead staff without a second factor to the page that sets one up, if they need one for the back office.

    A session that began before the second factor was set up elsewhere has to show it first.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX) or request.path_info == reverse("admin:logout"):
            return get_response(request)
        if not isinstance(request.user, Account) or not staff_sign_in.needs_second_factor(request.user):
            return get_response(request)
        factors = staff_sign_in.second_factors(request.user)
        if not factors:
            is_page = request.method == "GET" and not request.headers.get("HX-Request")
            page = request.get_full_path() if is_page else reverse("admin:index")
            request.session[staff_sign_in.SECOND_FACTOR_FOR] = page
            return redirect("mfa_index")
        if not staff_sign_in.has_used_second_factor(request):
            return sign_in_again(request, staff_sign_in.page_that_asks(factors))
        return get_response(request)

    return middleware


def fresh_sign_in_middleware(get_response: GetResponse) -> GetResponse:
    """Ask staff to sign in again where a page says that the last sign-in is too long ago."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, SignInNotFreshError):
            return None
        if request.method == "POST":
            messages.warning(request, "Nothing was done yet: sign in again, then do it once more.")
        return sign_in_again(request)

    middleware.process_exception = process_exception  # type: ignore[attr-defined] # where Django looks for it
    return middleware


def backoffice_middleware(get_response: GetResponse) -> GetResponse:
    """Set English, the back office's only language, the currency, and the reader of its links.

    Refused rights (403) go into the log of sign-ins.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIX):
            return get_response(request)
        request.META.pop("HTTP_ACCEPT_LANGUAGE", None)
        request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)
        with site_settings.serving(request), links.for_reader(request, site):
            response = get_response(request)
        if response.status_code == HTTPStatus.FORBIDDEN and isinstance(request.user, Account):
            where = f"{request.method} {request.path}"
            sign_in_log.record(request, SignInKind.RIGHT_REFUSED, account=request.user, detail=where)
        return response

    return middleware
