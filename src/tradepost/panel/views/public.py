"""Public pages: the front page, the operator's terms, and the health check."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tradepost.catalog.models import Service
from tradepost.engine.order_types import OrderType
from tradepost.site_settings import effective as site_settings


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show what this desk is and how to order. Send users who have signed in to their overview."""
    if request.user.is_authenticated:
        return redirect("panel:dashboard")
    example = Service.objects.filter(is_active=True, type=OrderType.DEFAULT.value).order_by("id").first()
    context = {"api_url": request.build_absolute_uri("/api/v2"), "example": example}
    return render(request, "panel/home.html", context)


@login_not_required
@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Show the operator's terms; 404 if there are none."""
    if not site_settings.for_request(request).terms:
        raise Http404
    return render(request, "panel/terms.html")


@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django gives the request
    """Answer `ok` if the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("the database is away", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Redirect browsers, which request this URL by default, to the logo."""
    return HttpResponsePermanentRedirect(static("panel/mark.svg"))
