"""Orders that take longer than usual: how long is usual, and which orders are late."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.builders import make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tradepost.database import in_transaction
from tradepost.engine.statuses import Status
from tradepost.orders import stuck_orders
from tradepost.orders.models import Order, OrderEvent, ServicePace, StuckOrder

HOUR = timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("workers_at_rest")


def age(order: int, time: timedelta) -> None:
    """Move an order into the past, so that it was placed this long ago."""
    Order.objects.filter(pk=order).update(created_at=timezone.now() - time)


def took(order: int, start: timedelta, end: timedelta) -> None:
    """Record that an order started and completed this long after it was placed."""
    placed = timezone.now() - timedelta(days=3)
    Order.objects.filter(pk=order).update(created_at=placed, status="Completed", remains=0)
    for was, became, time in (("Pending", "In progress", start), ("In progress", "Completed", end)):
        event(order, was, became, placed + time)


def event(order: int, was: str, became: str, at: datetime) -> None:
    account = Order.objects.get(pk=order).account_id
    moved = {"from_status": was, "to_status": became, "from_dispatch": "none", "to_dispatch": "none"}
    OrderEvent.objects.create(order_id=order, account_id=account, actor="test", at=at, **moved)


@pytest.fixture
def known(alice: Customer, service: int) -> int:
    """A service whose last ten orders started within one hour, and ended within one to ten."""
    for number, order in enumerate(place(alice.id, service, 10), 1):
        took(order, HOUR, number * HOUR)
    in_transaction(stuck_orders.compute_paces)
    return service


def find() -> dict[int, str]:
    in_transaction(stuck_orders.find_stuck)
    return dict(StuckOrder.objects.values_list("order_id", "reason"))


def test_usual_is_what_nine_in_ten_stay_below_but_at_least_thrice_the_median(known: int) -> None:
    pace = ServicePace.objects.get(service=known)
    assert (pace.starts_within, pace.ends_within, pace.sample_size) == (3 * HOUR, 3 * timedelta(hours=5.5), 10)


def test_of_a_few_orders_nothing_is_reckoned(alice: Customer, service: int) -> None:
    for order in place(alice.id, service, stuck_orders.ORDERS_MIN - 1):
        took(order, HOUR, HOUR)
    in_transaction(stuck_orders.compute_paces)
    assert not ServicePace.objects.filter(service=service).exists()


def test_a_drip_feed_tells_nothing_of_its_service(alice: Customer, make_service: Callable[..., int]) -> None:
    service = make_service(dripfeed=True)
    for order in place(alice.id, service, stuck_orders.ORDERS_MIN, runs="2", interval="60"):
        event(order, "In progress", "Completed", timezone.now())
    in_transaction(stuck_orders.compute_paces)
    assert not ServicePace.objects.filter(service=service).exists()


def test_what_is_late_is_found_and_let_go_when_it_is_over(alice: Customer, known: int) -> None:
    in_time, idle, slow = place(alice.id, known, 3)
    settle(slow, status=Status.IN_PROGRESS)
    age(in_time, 2 * HOUR)
    age(idle, 4 * HOUR)
    age(slow, 17 * HOUR)
    found = find()
    assert in_time not in found
    assert (found[idle], found[slow]) == ("not started", "slow")
    settle(slow, status=Status.COMPLETED)
    assert slow not in find()


def test_what_nothing_is_known_of_is_late_after_a_day(alice: Customer, service: int) -> None:
    young, old = place(alice.id, service, 2)
    age(young, 23 * HOUR)
    age(old, 25 * HOUR)
    found = find()
    assert young not in found
    assert found[old] == "not started"


def test_what_no_provider_has_taken_for_two_hours_is_found(alice: Customer, service: int) -> None:
    route(service, make_offer(make_provider()))
    [order] = place(alice.id, service)
    age(order, 3 * HOUR)
    assert find()[order] == "unanswered"
