"""The page of one order, and its buttons to cancel and to refill."""

from django.contrib import messages
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from tradepost.accounts import impersonation
from tradepost.database import in_transaction
from tradepost.engine import cancelling, refilling
from tradepost.engine.cancelling import CancelOf
from tradepost.engine.errors import Refusal
from tradepost.engine.placing import Mode
from tradepost.engine.refilling import RefillOf
from tradepost.engine.statuses import ACTIVE, OPEN_REFILL, CancelState, Dispatch, Status
from tradepost.ledger.models import Transfer
from tradepost.orders.event_notes import with_redacted_notes
from tradepost.orders.models import Order, OrderEvent
from tradepost.panel.requests import customer

PARTS_SHOWN_MAX = 200


@require_safe
def order(request: HttpRequest, order: int) -> HttpResponse:
    """Show an order: its status, its events, its transfers, and its child orders."""
    own = _own_order(request, order)
    refills = list(own.refills.all())
    cancels = list(own.cancel_requests.all())
    context = {
        "order": own,
        "events": _events(own),
        "transfers": list(Transfer.objects.filter(order=own).select_related("credit").order_by("id")),
        "refills": refills,
        "wishes": cancels,
        "made": list(own.children.order_by("part")[:PARTS_SHOWN_MAX]) if own.parts else [],
        "is_live": own.status in ACTIVE,
        "may_cancel": _may_cancel(own, is_requested=any(cancel.state == CancelState.OPEN for cancel in cancels)),
        "may_refill": _may_refill(own, is_requested=any(refill.status in OPEN_REFILL for refill in refills)),
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
    own = _own_order(request, order)
    action = CancelOf(by=own.account_id, orders=[str(own.pk)])
    actor = impersonation.actor_of(request, Mode.WEB.value)
    [answer] = in_transaction(lambda connection: cancelling.cancel(connection, [action], actor=actor))
    result = answer if isinstance(answer, Refusal) else answer[0]
    done = _("The cancel is asked for. What is not delivered comes back to your balance.")
    return _show_result(request, own, result, done)


@require_POST
def refill(request: HttpRequest, order: int) -> HttpResponse:
    """Request a refill, as the API's `refill` does."""
    own = _own_order(request, order)
    action = RefillOf(by=own.account_id, orders=[str(own.pk)])
    [answer] = in_transaction(lambda connection: refilling.refill(connection, [action]))
    result = answer if isinstance(answer, Refusal) else answer[0]
    return _show_result(request, own, result, _("The refill is asked for."))


def _show_result(request: HttpRequest, order: Order, result: int | Refusal, done: str) -> HttpResponse:
    if isinstance(result, Refusal):
        messages.error(request, str(result))
    else:
        messages.success(request, done)
    return redirect("panel:order", order.pk)


def _own_order(request: HttpRequest, order: int) -> Order:
    """Return an order of the customer or of their test account. Another customer's order is a 404."""
    account = customer(request)
    own = Order.objects.filter(Q(account=account) | Q(account__test_of=account))
    return get_object_or_404(own.select_related("service__category"), pk=order)


def _may_cancel(order: Order, *, is_requested: bool) -> bool:
    return order.service.cancel and order.status in ACTIVE and not is_requested


def _may_refill(order: Order, *, is_requested: bool) -> bool:
    return order.service.refill and order.status == Status.COMPLETED and order.parts is None and not is_requested
