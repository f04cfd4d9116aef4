"""Middleware of the back office: its security policy, its language, its currency, and for whom its links are made.

Only the back office needs this policy: its theme is written for inline scripts and styles.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override

from tradepost.backoffice.ui import links
from tradepost.backoffice.ui.site import site
from tradepost.http_types import GetResponse
from tradepost.site_settings import effective as site_settings

PREFIX = "/admin/"
POLICY: dict[str, list[str]] = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.UNSAFE_INLINE, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}


def backoffice_middleware(get_response: GetResponse) -> GetResponse:
    """Set the back office's security policy, English, its only language, the currency, and the reader of its links."""
    with_policy: GetResponse = csp_override(POLICY)(get_response)

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIX):
            return get_response(request)
        request.META.pop("HTTP_ACCEPT_LANGUAGE", None)
        request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)
        with site_settings.serving(request), links.for_reader(request, site):
            return with_policy(request)

    return middleware
