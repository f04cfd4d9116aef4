"""The page of one order, and its buttons to cancel and to refill."""

from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from tradepost.accounts import impersonation
from tradepost.engine.placing import Mode
from tradepost.engine.statuses import ACTIVE, OPEN_REFILL, CancelState, Dispatch
from tradepost.ledger.models import Transfer
from tradepost.orders.event_notes import with_redacted_notes
from tradepost.orders.models import Order, OrderEvent
from tradepost.panel.order_actions import OpenRequests, OrderAction, own_orders, perform, reason_against
from tradepost.panel.requests import customer

PARTS_SHOWN_MAX = 200


@require_safe
def order(request: HttpRequest, order: int) -> HttpResponse:
    """Show an order: its status, its events, its transfers, and its child orders."""
    own = _own_order(request, order)
    refills = list(own.refills.all())
    cancels = list(own.cancel_requests.all())
    requested = OpenRequests(
        [own.pk for cancel in cancels if cancel.state == CancelState.OPEN],
        [own.pk for refill in refills if refill.status in OPEN_REFILL],
    )
    context = {
        "order": own,
        "events": _events(own),
        "transfers": list(Transfer.objects.filter(order=own).select_related("credit").order_by("id")),
        "refills": refills,
        "wishes": cancels,
        "made": list(own.children.order_by("part")[:PARTS_SHOWN_MAX]) if own.parts else [],
        "is_live": own.status in ACTIVE,
        "may_cancel": not reason_against(OrderAction.CANCEL, own, requested),
        "may_refill": not reason_against(OrderAction.REFILL, own, requested),
        "is_own": own.account_id == customer(request).pk,
        "is_dripfeed": own.dispatch == Dispatch.RUNS,
    }
    is_part = request.headers.get("HX-Target") == "live"
    return render(request, "panel/order_live.html" if is_part else "panel/order.html", context)


def _events(order: Order) -> list[OrderEvent]:
    """Return what happened to the order, without the changes of its dispatch: they are nothing to its customer."""
    shown = with_redacted_notes(order.events.all(), with_answers=False)
    return list(shown.exclude(from_status=F("to_status"), visible_note=""))  # type: ignore[misc] # it is annotated


@require_POST
def cancel(request: HttpRequest, order: int) -> HttpResponse:
    """Request to cancel an order, as the API's `cancel` does."""
    return _act(request, OrderAction.CANCEL, order)


@require_POST
def refill(request: HttpRequest, order: int) -> HttpResponse:
    """Request a refill, as the API's `refill` does."""
    return _act(request, OrderAction.REFILL, order)


def _act(request: HttpRequest, action: OrderAction, order: int) -> HttpResponse:
    own = _own_order(request, order)
    [result] = perform(action, [own], actor=impersonation.actor_of(request, Mode.WEB.value))
    say = messages.success if result.is_done else messages.error
    say(request, result.text)
    return redirect("panel:order", own.pk)


def _own_order(request: HttpRequest, order: int) -> Order:
    """Return an order of the customer or of their test account. Another customer's order is a 404."""
    return get_object_or_404(own_orders(customer(request)).select_related("service__category"), pk=order)
