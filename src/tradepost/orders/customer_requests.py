"""What staff decides about customers' requests: to cancel an order that is under way, or to refill one."""

from collections.abc import Collection

from django.db import transaction

from tradepost.database import engine_connection
from tradepost.engine import cancelling, refilling
from tradepost.engine.refilling import RefillReport
from tradepost.engine.settling import SettleResult, settle
from tradepost.engine.statuses import CancelState, Dispatch, RefillStatus
from tradepost.orders.models import CancelRequest


def accept_cancels(requests: Collection[int], *, actor: str) -> int:
    """End the orders, Canceled if nothing was delivered, else Partial, and return how many were.

    What may exist at a provider is left: it is settled on its own page, after a look there.
    """
    asked = (
        CancelRequest.objects.filter(pk__in=requests, state=CancelState.OPEN.value)
        .exclude(order__dispatch=Dispatch.UNSURE.value)
        .select_related("order")
    )
    reports = [
        cancelling.accepted(order.pk, quantity=order.quantity, remains=order.remains, parts=order.parts)
        for order in (each.order for each in asked)
    ]
    with transaction.atomic():
        return settle(engine_connection(), reports, actor=actor).count(SettleResult.SETTLED)


def reject_cancels(requests: Collection[int]) -> int:
    """Let the orders go on, and return how many requests were refused."""
    with transaction.atomic():
        return cancelling.reject(engine_connection(), list(requests))


def settle_refills(refills: Collection[int], status: RefillStatus) -> int:
    """Move refills on, and return how many were."""
    with transaction.atomic():
        return refilling.settle_refills(engine_connection(), [RefillReport(refill, status) for refill in refills])
