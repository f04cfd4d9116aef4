"""Placing one order: the customer searches a service, fills in the form of its type, and sees the charge first."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from tradepost.accounts import impersonation
from tradepost.accounts.models import Account
from tradepost.database import in_transaction
from tradepost.engine import charges
from tradepost.engine.errors import NotEnoughFunds
from tradepost.engine.order_types import wire_id
from tradepost.engine.placing import Mode, OrderRequest, Placed, place
from tradepost.engine.statuses import Dispatch
from tradepost.ledger.models import LedgerAccount
from tradepost.orders.models import Order
from tradepost.panel import order_fields
from tradepost.panel.order_forms import form_token, idempotency_key, parameters_of
from tradepost.panel.order_mistakes import check, is_doubtful
from tradepost.panel.refusal_messages import message_for
from tradepost.panel.requests import customer, search_text
from tradepost.panel.storefront import PricedService, Storefront

FOUND_MAX = 40
DRIPFEED = ("runs", "interval")  # fields that the form hides until the customer opens them
NO_MISTAKES: Mapping[str, str] = MappingProxyType({})

type FormValues = Mapping[str, str]


class Cost(NamedTuple):
    """What an order would cost: for which quantity, what is left of the balance, and how much is missing (or <= 0)."""

    quantity: int
    charge: Decimal
    balance_after: Decimal
    missing: Decimal


def new_order(request: HttpRequest) -> HttpResponse:
    """Show the form, or place its order."""
    storefront = Storefront(customer(request))
    if request.method == "POST":
        return _place(request, storefront)
    offer = storefront.offer(request.GET.get("service", ""))
    values = _repeated_values(request) if offer else {}
    id_ = wire_id(request.GET.get("placed", ""))
    placed = Order.objects.filter(account=customer(request), pk=id_).first() if id_ else None
    return _show_form(request, storefront, offer, values, placed=placed)


@require_safe
def found_services(request: HttpRequest) -> HttpResponse:
    """Show the services that match a search, as a part of the form."""
    storefront = Storefront(customer(request))
    chosen = storefront.offer(request.GET.get("service", ""))
    return render(request, "panel/found.html", _search(request, storefront, chosen))


@require_POST
def charge(request: HttpRequest) -> HttpResponse:
    """Show what the order would cost, what is left of the balance, and what is wrong with the fields so far.

    Fields that are empty are wrong only after the form was sent once.
    """
    account = customer(request)
    offer = Storefront(account).offer(request.POST.get("service", ""))
    if offer is None:
        return HttpResponse()
    values = _parameters(request, offer)
    checked = check(offer.service, values)
    mistakes = checked.mistakes if request.POST.get("tried") else checked.of_filled(values)
    context = {
        "offer": offer,
        "cost": _cost(account, offer, checked.quantity),
        "mistakes": [(name, mistakes.get(name, "")) for name in order_fields.names_of(offer.service)],
        "is_doubtful": is_doubtful(offer.service, values.get("link", "")),
    }
    return render(request, "panel/charge_update.html", context)


def _cost(account: Account, offer: PricedService, quantity: int | None) -> Cost | None:
    if quantity is None:
        return None
    funds = LedgerAccount.objects.get(account=account)
    charged = charges.charge(offer.service, offer.rate, quantity)
    assert funds.balance is not None
    return Cost(quantity, charged, funds.balance - charged, charged - funds.balance - funds.credit_limit)


def _place(request: HttpRequest, storefront: Storefront) -> HttpResponse:
    offer = storefront.offer(request.POST.get("service", ""))
    if offer is None:
        return redirect("panel:new_order")
    values = _parameters(request, offer)
    mistakes = check(offer.service, values).mistakes
    if mistakes:
        return _show_form(request, storefront, offer, values, mistakes=mistakes)
    name = form_token(request.POST)
    order = OrderRequest(customer(request).pk, values, idempotency_key=idempotency_key(name, values))
    actor = impersonation.actor_of(request, Mode.WEB.value)
    [answer] = in_transaction(lambda connection: place(connection, [order], mode=Mode.WEB, actor=actor))
    if isinstance(answer, Placed):
        query = urlencode({"service": offer.service.id, "placed": answer.order})
        return redirect(f"{reverse('panel:new_order')}?{query}")
    field = order_fields.field_name_for(offer.service, answer)
    message = message_for(answer, offer.service, values.get(field, ""))
    return _show_form(
        request, storefront, offer, values, mistakes={field: message}, lacks_funds=isinstance(answer, NotEnoughFunds)
    )


def _show_form(
    request: HttpRequest,
    storefront: Storefront,
    offer: PricedService | None,
    values: FormValues,
    *,
    mistakes: Mapping[str, str] = NO_MISTAKES,
    lacks_funds: bool = False,
    placed: Order | None = None,
) -> HttpResponse:
    """Show the page. A mistake without a field, under an empty name, is about the order as a whole."""
    fields = order_fields.fields_of(offer.service, values, mistakes) if offer else []
    dripfeed = [field for field in fields if field.name in DRIPFEED]
    context = {
        "offer": offer,
        "fields": [field for field in fields if field not in dripfeed],
        "dripfeed": dripfeed,
        "is_fed": any(field.value or field.mistake for field in dripfeed),
        "refusal": mistakes.get("", ""),
        "wrong": sum(bool(field.mistake) for field in fields),
        "lacks_funds": lacks_funds,
        "name": form_token(request.POST),
        "placed": placed,
        "is_gone": offer is None and bool(request.GET.get("service")),
        **_search(request, storefront, offer),
    }
    return render(request, "panel/new_order.html", context)


def _search(request: HttpRequest, storefront: Storefront, chosen: PricedService | None) -> dict[str, object]:
    """Return what the list of services shows. Unless the customer searches, the chosen service is always in it."""
    text, category = search_text(request.GET, "q"), search_text(request.GET, "category", chars_max=300)
    offers, count = storefront.find(text, category, limit=FOUND_MAX)
    is_narrowed = bool(text or category)
    return {
        "offers": offers,
        "count": count,
        "more": count - len(offers),
        "favourites": [] if is_narrowed else storefront.favourites,
        "apart": chosen if chosen and not is_narrowed and chosen not in offers else None,
        "categories": storefront.categories,
        "text": text,
        "category": category,
        "chosen": chosen.service.id if chosen else None,
    }


def _parameters(request: HttpRequest, offer: PricedService) -> dict[str, str]:
    names = order_fields.names_of(offer.service)
    typed = order_fields.values_typed(offer.service, parameters_of(request.POST, names))
    return {"service": str(offer.service.id), **typed}


def _repeated_values(request: HttpRequest) -> FormValues:
    """Return the values of an earlier order that the customer repeats. Another customer's order is a 404."""
    again = request.GET.get("again", "")
    if not again:
        return {}
    order = get_object_or_404(Order, pk=wire_id(again), account=customer(request))
    runs = order.parts if order.dispatch == Dispatch.RUNS else None
    values = {"link": order.link, "quantity": str(order.quantity // (runs or 1)), **(order.fields or {})}
    return values | ({"runs": str(runs), "interval": str(order.dripfeed.interval_minutes)} if runs else {})
