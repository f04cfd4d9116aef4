"""The simulator takes orders from placing to their end, refunds included."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests import asking
from tests.api import api_calls
from tests.api.api_calls import call
from tests.conftest import Customer, Desk, resting_workers
from tests.waiting import until
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.engine.routing import Fulfilment
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status
from tradepost.fulfilment.tasks import simulator
from tradepost.orders.models import CancelRequest, Order, OrderEvent, Refill

ENDS = {status.value for status in (Status.COMPLETED, Status.PARTIAL, Status.CANCELED)}


@pytest.fixture
def simulated(make_service: Any) -> int:
    """A service whose orders the simulator fulfils."""
    return int(make_service(fulfilment=Fulfilment.SIMULATED))


def place(desk: Desk, customer: Customer, service: int, count: int) -> list[int]:
    """Place orders of 100."""
    order = {"key": customer.key, "action": "add", "service": service, "quantity": 100}
    with asking.Session() as session:
        return [
            session.post(desk.api_url, data={**order, "link": f"https://pixelpond.example/{number}"}).json()["order"]
            for number in range(count)
        ]


def test_fates_follow_from_the_order_alone_and_most_are_good() -> None:
    fates = Counter(simulator.plan(order).end for order in range(10_000))
    assert simulator.plan(1) == simulator.plan(1)
    assert fates[Status.COMPLETED] > 8_000
    assert 800 < fates[Status.PARTIAL] < 1_200
    assert 300 < fates[Status.CANCELED] < 700


def test_an_order_walks_from_pending_to_its_end(desk: Desk, alice: Customer, simulated: int) -> None:
    orders = place(desk, alice, simulated, 30)
    until(lambda: Order.objects.filter(pk__in=orders, status__in=ENDS).count() == len(orders), "all have ended")
    for order in Order.objects.filter(pk__in=orders):
        fate = simulator.plan(order.pk)
        assert order.status == fate.end
        assert order.start_count == fate.start_count
        assert order.remains == 100 - fate.delivered_percent
        assert order.refunded == (order.charge * order.remains / 100).quantize(Decimal("0.00001"))
        walked = list(OrderEvent.objects.filter(order=order).values_list("from_status", "to_status", "actor"))
        assert walked[-1][1:] == (fate.end, "simulator")
        assert walked[0][0] == "Pending"


def test_what_a_test_key_orders_is_simulated_whoever_fulfils_the_service(
    desk: Desk, alice: Customer, service: int
) -> None:
    testing = alice._replace(key=keys.create(Account.objects.get(pk=alice.id), test=True))
    live, test = (api_calls.order(desk, customer, service) for customer in (alice, testing))
    until(lambda: call(desk, testing, "status", order=test)["status"] in ENDS, "the order of the test key has ended")
    assert call(desk, alice, "status", order=live)["status"] == "Pending"


def test_only_simulated_services_are_simulated(
    desk: Desk, alice: Customer, service: int, simulated: int, connection: psycopg.Connection
) -> None:
    manual, automatic = place(desk, alice, service, 1)[0], place(desk, alice, simulated, 1)[0]
    simulator.advance_all(timedelta(microseconds=1))
    rows = connection.execute("SELECT id, status FROM orders_order WHERE id = ANY(%s)", [[manual, automatic]])
    assert dict(rows.fetchall()) == {manual: "Pending", automatic: simulator.plan(automatic).end}


def test_refills_and_cancels_of_simulated_orders_come_to_their_end(
    desk: Desk, alice: Customer, make_service: Any, connection: psycopg.Connection
) -> None:
    service = make_service(fulfilment=Fulfilment.SIMULATED, refill=True, cancel=True, refill_days=0)
    with resting_workers():  # until all is asked for: the simulator ends what it finds within seconds
        done, stopped = place(desk, alice, service, 2)
        settle(connection, [Report(done, Status.COMPLETED), Report(stopped, Status.IN_PROGRESS)], actor="test")
        connection.commit()
        assert call(desk, alice, "cancel", orders=stopped) == [{"order": stopped, "cancel": 1}]
        refill = call(desk, alice, "refill", order=done)["refill"]
    until(lambda: Refill.objects.get(pk=refill).status == "Completed", "the refill is completed")
    assert Order.objects.get(pk=stopped).status in {"Canceled", "Partial"}
    assert CancelRequest.objects.get(order=stopped).state == "accepted"
