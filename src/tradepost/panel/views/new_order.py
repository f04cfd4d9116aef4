"""Placing one order: a service is picked by typing, its form follows its type, its charge is shown beforehand."""

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
from tradepost.panel.storefront import Offer, Storefront

FOUND_MAX = 40
NO_LINK_YET = "https://example.com/"
DRIPFEED = ("runs", "interval")  # folded away until they are wanted

type Given = Mapping[str, str]


def new_order(request: HttpRequest) -> HttpResponse:
    """Show the form, or place what it says."""
    storefront = Storefront(customer(request))
    if request.method == "POST":
        return _place(request, storefront)
    offer = storefront.offer(request.GET.get("service", ""))
    given = _given_again(request) if offer else {}
    return _show(request, storefront, offer, given, placed=wire_id(request.GET.get("placed", "")))


@require_safe
def found_services(request: HttpRequest) -> HttpResponse:
    """Show what a search has found, for the picker."""
    return render(request, "panel/found.html", _found(request, Storefront(customer(request))))


@require_POST
def charge(request: HttpRequest) -> HttpResponse:
    """Show what the order would cost before it is placed; that doesn't hang on the link, so it may come last."""
    account = customer(request)
    offer = Storefront(account).offer(request.POST.get("service", ""))
    if offer is None:
        return HttpResponse()
    asked = {"link": NO_LINK_YET, **_parameters(request, offer)}
    [answer] = in_transaction(lambda connection: quote(connection, account.pk, [asked]))
    shown = answer if isinstance(answer, Quote) else None
    return render(request, "panel/charge.html", {"quote": shown, "offer": offer})


def _place(request: HttpRequest, storefront: Storefront) -> HttpResponse:
    offer = storefront.offer(request.POST.get("service", ""))
    if offer is None:
        return redirect("panel:new_order")
    given = _parameters(request, offer)
    name = form_token(request.POST)
    wanted = OrderRequest(customer(request).pk, given, idempotency_key=idempotency_key(name, given))
    actor = impersonation.actor(request, Mode.WEB.value)
    [answer] = in_transaction(lambda connection: place(connection, [wanted], mode=Mode.WEB, actor=actor))
    if isinstance(answer, Placed):
        query = urlencode({"service": offer.service.id, "placed": answer.order})
        return redirect(f"{reverse('panel:new_order')}?{query}")
    return _show(request, storefront, offer, given, refusal=answer)


def _show(
    request: HttpRequest,
    storefront: Storefront,
    offer: Offer | None,
    given: Given,
    *,
    refusal: Refusal | None = None,
    placed: int | None = None,
) -> HttpResponse:
    fields = order_fields.fields_of(offer.service, given, refusal) if offer else []
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
        **_found(request, storefront),
    }
    return render(request, "panel/new_order.html", context)


def _found(request: HttpRequest, storefront: Storefront) -> dict[str, object]:
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


def _parameters(request: HttpRequest, offer: Offer) -> dict[str, str]:
    names = order_fields.names_of(offer.service)
    return {"service": str(offer.service.id), **parameters_of(request.POST, names)}


def _given_again(request: HttpRequest) -> Given:
    """Return what an earlier order said, for one like it; another customer's is nobody's to repeat."""
    again = request.GET.get("again", "")
    if not again:
        return {}
    order = get_object_or_404(Order, pk=wire_id(again), account=customer(request))
    runs = order.parts if order.dispatch == Dispatch.RUNS else None
    given = {"link": order.link, "quantity": str(order.quantity // (runs or 1)), **(order.fields or {})}
    return given | ({"runs": str(runs), "interval": str(order.dripfeed.interval_minutes)} if runs else {})
