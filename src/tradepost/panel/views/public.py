"""Public pages: the front page, the operator's terms, and files that programs look for."""

from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tradepost import formats
from tradepost.panel.desk_url import desk_url
from tradepost.panel.storefront import Storefront
from tradepost.site_settings import effective as site_settings

SECURITY_CONTACT_DAYS = 180  # RFC 9116 asks for less than a year
SAMPLES = 6  # services on the front page
PRIVATE_PATHS = ("/account/", "/admin/", "/api/console/", "/api/v2", "/dashboard/", "/money/", "/orders/", "/settings/")


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what is sold here, at what prices, and how to begin. Send users who have signed in to their overview."""
    if request.user.is_authenticated:
        return redirect("panel:dashboard")
    settings = site_settings.for_request(request)
    offers, service_count = Storefront(None).samples(SAMPLES)
    context = {
        "headline": settings.headline or _("Order services at reseller prices, from one balance."),
        "intro": settings.intro or _("Top up, order, and track delivery. Works with any API v2 panel or script."),
        "offers": offers,
        "rate_places": formats.rate_places((offer.rate for offer in offers), settings.currency),
        "service_count": service_count,
        "api_url": desk_url(request, "/api/v2"),
        "url": desk_url(request, request.path),
    }
    return render(request, "panel/home.html", context)


@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django gives the request
    """Let search engines read the public pages only."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE_PATHS)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def security_contact(request: HttpRequest) -> HttpResponse:
    """Say whom to tell about a weakness of this desk, as RFC 9116 has it; 404 if the operator gives no contact."""
    settings = site_settings.for_request(request)
    contacts = [f"mailto:{settings.contact_email}"] if settings.contact_email else []
    contacts += [settings.contact_url] if settings.contact_url else []
    if not contacts:
        raise Http404
    until = timezone.now().replace(microsecond=0) + timedelta(days=SECURITY_CONTACT_DAYS)
    lines = [*(f"Contact: {contact}" for contact in contacts), f"Expires: {until.isoformat()}"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Show the operator's terms; 404 if there are none."""
    if not site_settings.for_request(request).terms:
        raise Http404
    return render(request, "panel/terms.html")


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Redirect browsers, which request this URL by default, to the logo."""
    return HttpResponsePermanentRedirect(static("panel/mark.svg"))
