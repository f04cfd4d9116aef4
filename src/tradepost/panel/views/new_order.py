"""Placing one order: the customer searches a service, fills in the form of its type, and sees the charge first."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from tradepost.accounts import impersonation
from tradepost.database import in_transaction
from tradepost.engine.errors import Refusal
from tradepost.engine.order_types import wire_id
from tradepost.engine.placing import Mode, OrderRequest, Placed, place
from tradepost.engine.quoting import Quote, quote
from tradepost.engine.statuses import Dispatch
from tradepost.orders.models import Order
from tradepost.panel import order_fields
from tradepost.panel.order_forms import form_token, idempotency_key, parameters_of
from tradepost.panel.requests import customer, search_text
from tradepost.panel.storefront import PricedService, Storefront

FOUND_MAX = 40
PLACEHOLDER_LINK = "https://example.com/"
DRIPFEED = ("runs", "interval")  # fields that the form hides until the customer opens them

type FormValues = Mapping[str, str]


def new_order(request: HttpRequest) -> HttpResponse:
    """Show the form, or place its order."""
    storefront = Storefront(customer(request))
    if request.method == "POST":
        return _place(request, storefront)
    offer = storefront.offer(request.GET.get("service", ""))
    values = _repeated_values(request) if offer else {}
    return _show_form(request, storefront, offer, values, placed=wire_id(request.GET.get("placed", "")))


@require_safe
def found_services(request: HttpRequest) -> HttpResponse:
    """Show the services that match a search, as a part of the form."""
    return render(request, "panel/found.html", _search(request, Storefront(customer(request))))


@require_POST
def charge(request: HttpRequest) -> HttpResponse:
    """Show what the order would cost. The charge does not depend on the link, so the form may lack it."""
    account = customer(request)
    offer = Storefront(account).offer(request.POST.get("service", ""))
    if offer is None:
        return HttpResponse()
    parameters = {"link": PLACEHOLDER_LINK, **_parameters(request, offer)}
    [answer] = in_transaction(lambda connection: quote(connection, account.pk, [parameters]))
    context = {"quote": answer if isinstance(answer, Quote) else None, "offer": offer}
    return render(request, "panel/charge.html", context)


def _place(request: HttpRequest, storefront: Storefront) -> HttpResponse:
    offer = storefront.offer(request.POST.get("service", ""))
    if offer is None:
        return redirect("panel:new_order")
    values = _parameters(request, offer)
    name = form_token(request.POST)
    order = OrderRequest(customer(request).pk, values, idempotency_key=idempotency_key(name, values))
    actor = impersonation.actor_of(request, Mode.WEB.value)
    [answer] = in_transaction(lambda connection: place(connection, [order], mode=Mode.WEB, actor=actor))
    if isinstance(answer, Placed):
        query = urlencode({"service": offer.service.id, "placed": answer.order})
        return redirect(f"{reverse('panel:new_order')}?{query}")
    return _show_form(request, storefront, offer, values, refusal=answer)


def _show_form(
    request: HttpRequest,
    storefront: Storefront,
    offer: PricedService | None,
    values: FormValues,
    *,
    refusal: Refusal | None = None,
    placed: int | None = None,
) -> HttpResponse:
    fields = order_fields.fields_of(offer.service, values, refusal) if offer else []
    dripfeed = [field for field in fields if field.name in DRIPFEED]
    context = {
        "offer": offer,
        "fields": [field for field in fields if field not in dripfeed],
        "dripfeed": dripfeed,
        "is_fed": any(field.value or field.mistake for field in dripfeed),
        "refusal": str(refusal)
        if refusal and offer and not order_fields.field_name_for(offer.service, refusal)
        else "",
        "name": form_token(request.POST),
        "placed": placed,
        **_search(request, storefront),
    }
    return render(request, "panel/new_order.html", context)


def _search(request: HttpRequest, storefront: Storefront) -> dict[str, object]:
    text, category = search_text(request.GET, "q"), search_text(request.GET, "category", chars_max=300)
    offers, count = storefront.find(text, category, limit=FOUND_MAX)
    is_narrowed = bool(text or category)
    return {
        "offers": offers,
        "count": count,
        "more": count - len(offers),
        "favourites": [] if is_narrowed else storefront.favourites,
        "categories": storefront.categories,
        "text": text,
        "category": category,
        "chosen": search_text(request.GET, "service"),
    }


def _parameters(request: HttpRequest, offer: PricedService) -> dict[str, str]:
    names = order_fields.names_of(offer.service)
    return {"service": str(offer.service.id), **parameters_of(request.POST, names)}


def _repeated_values(request: HttpRequest) -> FormValues:
    """Return the values of an earlier order that the customer repeats. Another customer's order is a 404."""
    again = request.GET.get("again", "")
    if not again:
        return {}
    order = get_object_or_404(Order, pk=wire_id(again), account=customer(request))
    runs = order.parts if order.dispatch == Dispatch.RUNS else None
    values = {"link": order.link, "quantity": str(order.quantity // (runs or 1)), **(order.fields or {})}
    return values | ({"runs": str(runs), "interval": str(order.dripfeed.interval_minutes)} if runs else {})
