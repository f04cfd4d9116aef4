"""Staff decide customers' requests to cancel an order that is under way, or to refill one."""

from collections.abc import Collection

from django.db import transaction

from tradepost.database import engine_connection
from tradepost.engine import cancelling, refilling
from tradepost.engine.refilling import RefillReport
from tradepost.engine.settling import SettleResult, settle
from tradepost.engine.statuses import CancelState, Dispatch, RefillStatus
from tradepost.orders.models import CancelRequest

UNDECIDED = (CancelState.OPEN.value, CancelState.FAILED.value)


def accept_cancels(requests: Collection[int], *, actor: str) -> int:
    """End the orders: Canceled if nothing was delivered, otherwise Partial. Return how many orders ended.

    Unsure orders are skipped: they may exist at a provider, so staff settle them on their own page.
    """
    open_requests = (
        CancelRequest.objects.filter(pk__in=requests, state__in=UNDECIDED)
        .exclude(order__dispatch=Dispatch.UNSURE.value)
        .select_related("order")
    )
    reports = [
        cancelling.accepted(order.pk, quantity=order.quantity, remains=order.remains, parts=order.parts)
        for order in (request.order for request in open_requests)
    ]
    with transaction.atomic():
        return settle(engine_connection(), reports, actor=actor).count(SettleResult.SETTLED)


def reject_cancels(requests: Collection[int]) -> int:
    """Reject the requests, so that the orders go on. Return how many were rejected."""
    with transaction.atomic():
        return cancelling.reject(engine_connection(), list(requests))


def settle_refills(refills: Collection[int], status: RefillStatus) -> int:
    """Set the status of refills. Return how many changed."""
    with transaction.atomic():
        return refilling.settle_refills(engine_connection(), [RefillReport(refill, status) for refill in refills])
