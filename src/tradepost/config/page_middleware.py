"""Middleware of all pages: https where the desk is at an https address, caching, and what browsers may do with a page.

The API is answered before Django, and has its own headers.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect

from tradepost.frame_room import with_room
from tradepost.http_types import GetResponse

METRICS = "/metrics"
PRIVATE = "private, no-store"
# Tradepost uses none of these. Copying a key needs `clipboard-write`, and passkeys need `publickey-credentials-*`;
# browsers allow them to the page itself, unless they are named here.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "bluetooth", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "hid",
        "magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking",
    )
)  # fmt: skip


def frame_room_middleware(get_response: GetResponse) -> GetResponse:
    """Give the frames of a page's calls room: templates nest deeply."""
    return with_room(get_response)


def page_headers_middleware(get_response: GetResponse) -> GetResponse:
    """Keep private pages out of all caches, and pages out of other sites.

    A browser with a session gets private pages. Static files bring a `Cache-Control` of their own.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        name = settings.SESSION_COOKIE_NAME
        if name in request.COOKIES or name in response.cookies:
            response.headers.setdefault("Cache-Control", PRIVATE)
        if response.headers.get("Content-Type", "").startswith("text/html"):  # it would make each file a bit heavier
            response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return answer


def https_middleware(get_response: GetResponse) -> GetResponse:
    """Answer no page over plain http if the desk is at an https address.

    Metrics are an exception: Prometheus asks the machine itself, by any of its names.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        url = urlsplit(settings.TRADEPOST_URL)
        if request.path == METRICS:
            request.META["HTTP_HOST"] = url.netloc
        elif url.scheme == "https" and not request.is_secure():
            return _send_to_https(request)
        return get_response(request)

    return answer


def _send_to_https(request: HttpRequest) -> HttpResponse:
    """Redirect if the proxy says that it was asked over http. If it says nothing, a redirect might never end."""
    if request.method in {"GET", "HEAD"} and "X-Forwarded-Proto" in request.headers:
        return HttpResponsePermanentRedirect(f"{settings.TRADEPOST_URL}{request.get_full_path()}")
    text = (
        f"This desk is at {settings.TRADEPOST_URL}, and answers no page over plain http.\n"
        "If you run it: the proxy in front must send the header X-Forwarded-Proto: https.\n"
    )
    return HttpResponse(text, "text/plain; charset=utf-8", 403)
