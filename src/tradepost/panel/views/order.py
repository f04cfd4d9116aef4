"""One order: all there is to it, and what may be asked about it."""

from django.contrib import messages
from django.db.models import Q
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
from tradepost.orders.models import Order
from tradepost.panel.requests import customer

PARTS_SHOWN_MAX = 200


@require_safe
def order(request: HttpRequest, order: int) -> HttpResponse:
    """Show an order: where it stands, what happened to it, what it cost, and the orders it is made of."""
    found = _own(request, order)
    refills = list(found.refills.all())
    wishes = list(found.cancel_requests.all())
    context = {
        "order": found,
        "events": list(with_redacted_notes(found.events.all(), with_answers=False)),
        "transfers": list(Transfer.objects.filter(order=found).select_related("credit").order_by("id")),
        "refills": refills,
        "wishes": wishes,
        "made": list(found.children.order_by("part")[:PARTS_SHOWN_MAX]) if found.parts else [],
        "is_live": found.status in ACTIVE,
        "may_cancel": _may_cancel(found, is_asked=any(wish.state == CancelState.OPEN for wish in wishes)),
        "may_refill": _may_refill(found, is_asked=any(refill.status in OPEN_REFILL for refill in refills)),
        "is_own": found.account_id == customer(request).pk,
        "is_dripfeed": found.dispatch == Dispatch.RUNS,
    }
    is_part = request.headers.get("HX-Target") == "live"
    return render(request, "panel/order_live.html" if is_part else "panel/order.html", context)


@require_POST
def cancel(request: HttpRequest, order: int) -> HttpResponse:
    """Ask to cancel an order, as the API's `cancel` does."""
    found = _own(request, order)
    wanted = CancelOf(by=found.account_id, orders=[str(found.pk)])
    actor = impersonation.actor_of(request, Mode.WEB.value)
    [answer] = in_transaction(lambda connection: cancelling.cancel(connection, [wanted], actor=actor))
    told = answer if isinstance(answer, Refusal) else answer[0]
    return _tell(request, found, told, _("The cancel is asked for. What is not delivered comes back to your balance."))


@require_POST
def refill(request: HttpRequest, order: int) -> HttpResponse:
    """Ask for a refill, as the API's `refill` does."""
    found = _own(request, order)
    wanted = RefillOf(by=found.account_id, orders=[str(found.pk)])
    [answer] = in_transaction(lambda connection: refilling.refill(connection, [wanted]))
    told = answer if isinstance(answer, Refusal) else answer[0]
    return _tell(request, found, told, _("The refill is asked for."))


def _tell(request: HttpRequest, order: Order, answer: int | Refusal, done: str) -> HttpResponse:
    if isinstance(answer, Refusal):
        messages.error(request, str(answer))
    else:
        messages.success(request, done)
    return redirect("panel:order", order.pk)


def _own(request: HttpRequest, order: int) -> Order:
    """Return an order of whoever asks, or of their test account; another customer's isn't there."""
    account = customer(request)
    own = Order.objects.filter(Q(account=account) | Q(account__test_of=account))
    return get_object_or_404(own.select_related("service__category"), pk=order)


def _may_cancel(order: Order, *, is_asked: bool) -> bool:
    return order.service.cancel and order.status in ACTIVE and not is_asked


def _may_refill(order: Order, *, is_asked: bool) -> bool:
    return order.service.refill and order.status == Status.COMPLETED and order.parts is None and not is_asked
