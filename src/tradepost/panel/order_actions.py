"""What customers do with their orders, one or many: cancel and refill, each with a result in plain words."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple

from django.db.models import Q, QuerySet, Value
from django.utils.translation import gettext as _

from tradepost import formats
from tradepost.accounts.models import Account
from tradepost.database import in_transaction
from tradepost.engine import cancelling, refilling
from tradepost.engine.cancelling import CancelOf
from tradepost.engine.errors import Refusal
from tradepost.engine.placing import Mode
from tradepost.engine.refilling import RefillOf
from tradepost.engine.statuses import ACTIVE, OPEN_REFILL, CancelState, Status
from tradepost.orders.models import CancelRequest, Order, Refill
from tradepost.panel.refusal_messages import message_for


class OrderAction(StrEnum):
    CANCEL = "cancel"
    REFILL = "refill"


class OpenRequests(NamedTuple):
    """The ids of orders that have an open cancel request, or an open refill."""

    cancels: Collection[int]
    refills: Collection[int]


class ActionResult(NamedTuple):
    """What became of an action on an order, as a sentence."""

    order: Order
    is_done: bool
    text: str


class ActionableOrder(NamedTuple):
    """An order in a list, and what can be done with it."""

    order: Order
    may_cancel: bool
    may_refill: bool


def own_orders(account: Account) -> QuerySet[Order]:
    """Return the orders of a customer, and of the customer's test account."""
    return Order.objects.filter(Q(account=account) | Q(account__test_of=account)).select_related("service")


def open_requests(orders: Collection[Order]) -> OpenRequests:
    """Find the open cancel requests and refills of these orders, with one statement."""
    ids = [order.pk for order in orders]
    cancels = CancelRequest.objects.filter(order__in=ids, state=CancelState.OPEN.value).order_by()
    refills = Refill.objects.filter(order__in=ids, status__in=[status.value for status in OPEN_REFILL]).order_by()
    found: dict[str, set[int]] = defaultdict(set)
    kinds = [cancels.values_list("order_id", Value("cancel")), refills.values_list("order_id", Value("refill"))]
    for order, kind in kinds[0].union(kinds[1], all=True).order_by() if ids else ():
        found[kind].add(order)
    return OpenRequests(found["cancel"], found["refill"])


def actionable(orders: Collection[Order]) -> list[ActionableOrder]:
    """Return the orders with what can be done with each."""
    requested = open_requests(orders)
    return [
        ActionableOrder(
            order,
            not reason_against(OrderAction.CANCEL, order, requested),
            not reason_against(OrderAction.REFILL, order, requested),
        )
        for order in orders
    ]


def reason_against(action: OrderAction, order: Order, requested: OpenRequests) -> str:
    """Return why the order can't be canceled or refilled; empty if nothing is against it.

    How long ago the order was completed is checked by the engine only (`refilling`).
    """
    return (_against_cancel if action is OrderAction.CANCEL else _against_refill)(order, requested)


def perform(action: OrderAction, orders: Sequence[Order], *, actor: str) -> list[ActionResult]:
    """Cancel or refill orders by one call of the engine. Return a result for each, in the sequence of `orders`.

    An actor other than the customer signs refills, too.
    """
    ids: dict[int, list[str]] = defaultdict(list)
    for order in orders:
        ids[order.account_id].append(str(order.pk))
    if action is OrderAction.CANCEL:
        cancels = [CancelOf(by=account, orders=own) for account, own in ids.items()]
        answers = in_transaction(lambda connection: cancelling.cancel(connection, cancels, actor=actor))
    else:
        refills = [RefillOf(by=account, orders=own) for account, own in ids.items()]
        signed_by = "" if actor == Mode.WEB else actor
        answers = in_transaction(lambda connection: refilling.refill(connection, refills, signed_by=signed_by))
    given: dict[str, int | Refusal] = {}
    for own, answer in zip(ids.values(), answers, strict=True):
        given |= dict.fromkeys(own, answer) if isinstance(answer, Refusal) else dict(zip(own, answer, strict=True))
    return _results(action, orders, given)


def _results(action: OrderAction, orders: Sequence[Order], given: dict[str, int | Refusal]) -> list[ActionResult]:
    """Describe what happened by the orders as they are now."""
    now = Order.objects.select_related("service").in_bulk([order.pk for order in orders])
    requested = open_requests(now.values())
    results = []
    for order in orders:
        current, answer = now[order.pk], given[str(order.pk)]
        if isinstance(answer, Refusal):
            why = reason_against(action, current, requested) or message_for(answer)
            results.append(ActionResult(current, is_done=False, text=why))
        else:
            results.append(ActionResult(current, is_done=True, text=_done(action, order, current)))
    return results


def _done(action: OrderAction, before: Order, now: Order) -> str:
    if action is OrderAction.REFILL:
        return _("Refill requested")
    if now.status in ACTIVE:
        return _("Cancellation requested. You'll be refunded for anything not delivered.")
    return _("Canceled. Refunded: %(amount)s") % {"amount": formats.exact_number(now.refunded - before.refunded)}


def _against_cancel(order: Order, requested: OpenRequests) -> str:
    if order.status not in ACTIVE:
        return _("Skipped: its status is %(status)s") % {"status": _(order.status)}
    if not order.service.cancel:
        return _("This service can't be canceled")
    return _("A cancellation was requested before") if order.pk in requested.cancels else ""


def _against_refill(order: Order, requested: OpenRequests) -> str:
    if not order.service.refill:
        return _("This service has no refills")
    if order.parts is not None:
        return _("Refill its runs or posts instead: they are listed on the order's page")
    if order.status != Status.COMPLETED:
        return _("Only completed orders can be refilled. Its status is %(status)s") % {"status": _(order.status)}
    return _("A refill was requested before") if order.pk in requested.refills else ""
