"""Make up the demo's past and write it to the database."""

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
from tradepost.up.demo_history.days import NEWEST_ORDER_AGE

SEED = 34  # so that every demo has the same past, counted back from now
REFILLED_PERCENT = 3
REFILL_REJECTED_PERCENT = 12
DRIPFEEDS = 4  # still running


def write_history(promised: dict[str, Decimal]) -> None:
    """Give an empty desk a past. `promised` maps e-mail addresses to the balances that these customers end with."""
    rng = random.Random(SEED)  # noqa: S311 - no secret is made from it
    now = datetime.now(UTC)
    buyers = customers.make_customers(rng, now, promised)
    past = list(orders.make_orders(rng, now, buyers))
    connection = engine_connection()
    computed = backfill.plan_past(connection, past)
    changes = computed.changes_by_account()
    top_ups = [
        top_up for buyer in buyers for top_up in customers.top_ups(rng, buyer, changes.get(buyer.account.pk, []))
    ]
    ids = backfill.write_past(connection, computed, top_ups)
    _make_refills(rng, now, list(zip(ids, past, strict=True)))
    _place_drip_feeds(rng, [buyer for buyer in buyers if buyer.promised is None])


def _make_refills(rng: random.Random, now: datetime, orders: Sequence[tuple[int, PastOrder]]) -> None:
    """Make refills of some completed orders."""
    refillable = {str(pk) for pk in Service.objects.filter(refill=True).values_list("pk", flat=True)}
    refills = []
    for id_, order in orders:
        end, at = order.steps[-1], order.steps[-1].at + timedelta(hours=rng.uniform(5, 200))
        is_possible = (
            end.to is Status.COMPLETED and order.parameters["service"] in refillable and at < now - NEWEST_ORDER_AGE
        )
        if is_possible and rng.randrange(100) < REFILLED_PERCENT:
            is_rejected = rng.randrange(100) < REFILL_REJECTED_PERCENT
            status = RefillStatus.REJECTED if is_rejected else RefillStatus.COMPLETED
            settled_at = at + (now - at) / 20
            fields = {"order_id": id_, "account_id": order.account, "status": status.value}
            refills.append(Refill(**fields, created_at=at, updated_at=settled_at))
    Refill.objects.bulk_create(sorted(refills, key=lambda refill: refill.created_at))


def _place_drip_feeds(rng: random.Random, buyers: Sequence[Customer]) -> None:
    """Place drip-feeds whose runs are made over the next days, so that some orders are active."""
    services = list(Service.objects.filter(dripfeed=True, refill=True, rate__lt=2).order_by("id"))
    requests = [
        OrderRequest(
            customer.account.pk,
            {
                "service": str(service.pk),
                "link": f"https://{orders.platform(service)}.example/u/{customer.account.pk}",
                "quantity": str(max(service.min, 50)),
                "runs": str(rng.randint(8, 14)),
                "interval": str(60 * rng.randint(6, 12)),
            },
        )
        for customer, service in zip(buyers[:DRIPFEEDS], services, strict=False)
    ]
    for answer in placing.place(engine_connection(), requests, mode=Mode.WEB):
        if isinstance(answer, Refusal):
            raise answer
