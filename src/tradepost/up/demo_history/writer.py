"""Making the demo's past up and having it written down."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tradepost.catalog.models import Service
from tradepost.database import engine_connection
from tradepost.engine import backfill, placing
from tradepost.engine.backfill import PastOrder
from tradepost.engine.errors import Refusal
from tradepost.engine.placing import Mode, OrderRequest
from tradepost.engine.statuses import RefillStatus, Status
from tradepost.orders.models import Refill
from tradepost.up.demo_history import customers, orders
from tradepost.up.demo_history.customers import Customer
from tradepost.up.demo_history.days import JUST_NOW

SEED = 34  # the dice; the moments are counted back from now
REFILLED_PERCENT = 3
REFILL_REJECTED_PERCENT = 12
DRIPFEEDS = 4  # under way


def write(promised: dict[str, Decimal]) -> None:
    """Give an empty desk a past, at the end of which these customers, by e-mail address, have these balances."""
    chance = random.Random(SEED)  # noqa: S311 - nothing secret comes of it
    now = datetime.now(UTC)
    buyers = customers.make(chance, now, promised)
    past = list(orders.make(chance, now, buyers))
    connection = engine_connection()
    reckoned = backfill.plan_past(connection, past)
    changes = reckoned.changes_by_account()
    top_ups = [
        top_up for each in buyers for top_up in customers.paid_in(chance, each, changes.get(each.account.pk, []))
    ]
    ids = backfill.write_past(connection, reckoned, top_ups)
    _refill(chance, now, list(zip(ids, past, strict=True)))
    _feed(chance, [each for each in buyers if each.promised is None])


def _refill(chance: random.Random, now: datetime, orders: Sequence[tuple[int, PastOrder]]) -> None:
    """Have some of what was delivered refilled since."""
    refilled = {str(pk) for pk in Service.objects.filter(refill=True).values_list("pk", flat=True)}
    found = []
    for id_, order in orders:
        end, at = order.steps[-1], order.steps[-1].at + timedelta(hours=chance.uniform(5, 200))
        is_theirs = end.to is Status.COMPLETED and order.parameters["service"] in refilled and at < now - JUST_NOW
        if is_theirs and chance.randrange(100) < REFILLED_PERCENT:
            is_rejected = chance.randrange(100) < REFILL_REJECTED_PERCENT
            status = RefillStatus.REJECTED if is_rejected else RefillStatus.COMPLETED
            settled_at = at + (now - at) / 20
            of = {"order_id": id_, "account_id": order.account, "status": status.value}
            found.append(Refill(**of, created_at=at, updated_at=settled_at))
    Refill.objects.bulk_create(sorted(found, key=lambda refill: refill.created_at))


def _feed(chance: random.Random, buyers: Sequence[Customer]) -> None:
    """Place drip-feeds whose runs are made over the next days, so that something is under way."""
    services = list(Service.objects.filter(dripfeed=True, refill=True, rate__lt=2).order_by("id"))
    requests = [
        OrderRequest(
            customer.account.pk,
            {
                "service": str(service.pk),
                "link": f"https://{orders.platform(service)}.example/u/{customer.account.pk}",
                "quantity": str(max(service.min, 50)),
                "runs": str(chance.randint(8, 14)),
                "interval": str(60 * chance.randint(6, 12)),
            },
        )
        for customer, service in zip(buyers[:DRIPFEEDS], services, strict=False)
    ]
    for answer in placing.place(engine_connection(), requests, mode=Mode.WEB):
        if isinstance(answer, Refusal):
            raise answer
