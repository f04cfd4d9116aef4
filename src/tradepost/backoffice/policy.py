"""What the back office's pages may load: its theme is written for inline scripts and styles, as no other page is."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override

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

type Answer = Callable[[HttpRequest], HttpResponse]


def backoffice_policy(get_response: Answer) -> Answer:
    """Give the back office its own policy, and English, which is the one language it has."""
    relaxed: Answer = csp_override(POLICY)(get_response)

    def answer(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIX):
            return get_response(request)
        request.META.pop("HTTP_ACCEPT_LANGUAGE", None)
        request.COOKIES.pop("django_language", None)
        return relaxed(request)

    return answer
