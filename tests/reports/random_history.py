"""Random histories of orders: sent to a provider or done by hand, delivered in full or in part, refunded."""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.database import engine_connection
from tradepost.engine import attempts, dispatching, polling
from tradepost.engine.attempts import AttemptOutcome, AttemptResult
from tradepost.engine.polling import UpstreamStatus
from tradepost.engine.routing import Fulfilment
from tradepost.engine.statuses import ACTIVE, Status
from tradepost.fulfilment.tasks.drip_feeds import make_due_runs
from tradepost.orders.models import Order, Refill, UpstreamOrder

STEPS = 60


def make_history(
    chance: random.Random, customers: Sequence[Customer], make_service: Callable[..., int], look: Callable[[], None]
) -> int:
    """Do random things, and call `look` between them. Return the provider that some orders were sent to."""
    by_hand, dripped, routed = (
        make_service(),
        make_service(dripfeed=True),
        make_service(fulfilment=Fulfilment.PROVIDER.value, on_refusal="hold", refill=True),
    )
    offer = make_offer(make_provider())
    route(routed, offer)
    test = _test_account(customers[0])
    first = _newest_order()
    for _ in range(STEPS):
        account = chance.choice([test, *(customer.id for customer in customers)])
        deed = chance.choice(["order", "order", "drip", "send", "send", "hear", "settle", "settle", "refill", "look"])
        if deed == "order":
            place(
                account, chance.choice([by_hand, routed]), chance.randint(1, 3), quantity=str(chance.randint(10, 900))
            )
        elif deed == "drip":
            place(account, dripped, runs="3", interval="60")
            make_due_runs(timestamp=0)
        elif deed == "send":
            _send(chance, offer.provider_id)
        elif deed == "hear":
            _hear(chance, offer.provider_id)
        elif deed == "settle":
            _settle(chance, first)
        elif deed == "refill":
            _refill(first)
        else:
            look()
    return offer.provider_id


def _test_account(customer: Customer) -> int:
    keys.create(Account.objects.get(pk=customer.id), test=True)
    return Account.objects.get(test_of=customer.id).pk


def _newest_order() -> int:
    return Order.objects.order_by("-id").values_list("pk", flat=True).first() or 0


def _send(chance: random.Random, provider: int) -> None:
    with transaction.atomic():
        outgoing_orders = dispatching.claim(engine_connection(), provider, limit=5)
    outcomes = []
    for outgoing in outgoing_orders:
        result = chance.choice(
            [
                AttemptOutcome.SENT,
                AttemptOutcome.SENT,
                AttemptOutcome.SENT,
                AttemptOutcome.DECLINED,
                AttemptOutcome.UNSURE,
                AttemptOutcome.LATER,
            ]
        )
        upstream_id = f"{provider}-{outgoing.order}" if result is AttemptOutcome.SENT else ""
        outcomes.append(AttemptResult(outgoing.order, outgoing.attempt, result, upstream_id))
    with transaction.atomic():
        attempts.record(engine_connection(), outcomes)


def _hear(chance: random.Random, provider: int) -> None:
    sent = UpstreamOrder.objects.filter(provider=provider, state="sent").values_list("order_id", flat=True)
    seen = [
        UpstreamStatus(
            order,
            chance.choice([Status.IN_PROGRESS, Status.COMPLETED, Status.PARTIAL, Status.CANCELED]),
            remains=chance.choice([None, 3]),
            cost=chance.choice([None, Decimal(chance.randint(0, 900)) / 1000]),
        )
        for order in sent
    ]
    with transaction.atomic():
        polling.apply_statuses(engine_connection(), provider, seen)


def _settle(chance: random.Random, first: int) -> None:
    active = Order.objects.filter(pk__gt=first, status__in=[status.value for status in ACTIVE])
    for order in active.values_list("pk", "quantity")[: chance.randint(1, 4)]:
        status = chance.choice([Status.COMPLETED, Status.PARTIAL, Status.CANCELED, Status.PROCESSING])
        settle(order[0], status=status, remains=chance.randint(0, order[1]) if status is Status.PARTIAL else None)


def _refill(first: int) -> None:
    for order in Order.objects.filter(pk__gt=first, status="Completed", parent=None, refills=None)[:1]:
        Refill.objects.create(order_id=order.pk, account_id=order.account_id)


def sent(account: int, service: int, *, rate: Decimal) -> Callable[..., None]:
    """Place an order of 100 that a provider accepts at this rate. Return a function that reports its status."""
    provider = make_provider()
    route(service, make_offer(provider, rate=rate))
    [order] = place(account, service)
    attempt(provider.pk, order, "sent", upstream_id=f"{provider.pk}-{order}")

    def hear(**said: Any) -> None:
        with transaction.atomic():
            polling.apply_statuses(engine_connection(), provider.pk, [UpstreamStatus(order, **said)])

    return hear
