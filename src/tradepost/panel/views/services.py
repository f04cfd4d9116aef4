"""The price list, at the public or the customer's own rates, its recent changes, and the customer's favourites."""

from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tradepost import formats
from tradepost.accounts.models import Account
from tradepost.catalog.models import CustomRate, Favourite, Service, ServiceChange
from tradepost.engine.order_types import wire_id
from tradepost.panel.requests import customer, search_text
from tradepost.panel.storefront import HAVING, Storefront
from tradepost.site_settings import effective as site_settings

PAGE_ROWS = 100
CHANGES_MAX = 100
CHANGES_DAYS = 30
FAVOURITES_MAX = 200


@login_not_required
@require_safe
def services(request: HttpRequest) -> HttpResponse:
    """Show the services on sale, at the viewer's rates."""
    storefront = Storefront(_viewer(request))
    text, category = search_text(request.GET, "q"), search_text(request.GET, "category", chars_max=300)
    skip = wire_id(request.GET.get("from", "")) or 0
    having = request.GET.get("having", "")
    offers, count = storefront.find(text, category, having, skip=skip, limit=PAGE_ROWS)
    end = skip + len(offers)
    currency = site_settings.for_request(request).currency
    context = {
        "offers": offers,
        "rate_places": formats.rate_places((offer.rate for offer in offers), currency),
        "count": count,
        "categories": storefront.categories,
        "text": text,
        "category": category,
        "having": having,
        "all_having": HAVING,
        "earlier": max(skip - PAGE_ROWS, 0) if skip else None,
        "later": end if end < count else None,
    }
    is_part = request.headers.get("HX-Target") == "prices"
    return render(request, "panel/price_rows.html" if is_part else "panel/services.html", context)


@login_not_required
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """Show new services, services that left the sale, and changed rates.

    If a customer has a custom rate for a service, changes of the service's own rate are left out.
    """
    since = timezone.now() - timedelta(days=CHANGES_DAYS)
    news = ServiceChange.objects.filter(at__gte=since).select_related("service__category")
    viewer = _viewer(request)
    if viewer:
        own = CustomRate.objects.filter(account=viewer).values("service")
        news = news.exclude(kind=ServiceChange.RATE, service__in=own)
    storefront = Storefront(viewer)
    rows = [storefront.as_paid(change) for change in news[:CHANGES_MAX]]
    relevant = [change for change in rows if change.kind != ServiceChange.RATE or change.rate != change.rate_before]
    return render(request, "panel/changes.html", {"changes": relevant, "days": CHANGES_DAYS})


@require_POST
def favourite(request: HttpRequest) -> HttpResponse:
    """Add a service to the favourites, or remove it from them."""
    account = customer(request)
    service = get_object_or_404(Service, pk=wire_id(request.POST.get("service", "")))
    mark = Favourite.objects.filter(account=account, service=service)
    is_favourite = not mark.delete()[0]
    if is_favourite and Favourite.objects.filter(account=account).count() < FAVOURITES_MAX:
        Favourite.objects.get_or_create(account=account, service=service)
    if request.headers.get("HX-Request"):
        context = {"service": service, "is_favourite": is_favourite, "favourite": request.path}
        return render(request, "panel/star.html", context)
    return redirect("panel:new_order")


def _viewer(request: HttpRequest) -> Account | None:
    return request.user if isinstance(request.user, Account) else None
