"""The periodic work on drip-feeds and subscriptions."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.api.api_calls import call
from tests.conftest import Customer, Desk
from tests.waiting import until
from tradepost.engine.routing import Fulfilment
from tradepost.fulfilment.tasks import simulator
from tradepost.fulfilment.tasks.drip_feeds import make_due_runs
from tradepost.fulfilment.tasks.subscriptions import expire_subscriptions
from tradepost.orders.models import DripFeed, Order

LINK = "https://pixelpond.example/alice"


def place(desk: Desk, customer: Customer, service: int, **parameters: Any) -> int:
    placed = call(desk, customer, "add", service=service, **parameters)
    assert placed.keys() == {"order"}, placed
    return int(placed["order"])


def test_a_worker_makes_the_first_run_by_itself(desk: Desk, alice: Customer, make_service: Any) -> None:
    service = make_service(dripfeed=True)
    placed = place(desk, alice, service, link=LINK, quantity=100, runs=3, interval=60)
    until(lambda: call(desk, alice, "status", order=placed)["runs"] != "0", "a worker makes a run")
    status = call(desk, alice, "status", order=placed)
    [first] = status["orders"]
    assert (status["status"], status["runs"]) == ("In progress", "1")
    assert call(desk, alice, "status", order=first) == {
        "charge": "0.09",
        "start_count": "0",
        "status": "Pending",
        "remains": "100",
        "currency": "USD",
    }


def test_a_simulated_drip_feed_comes_to_its_end(desk: Desk, alice: Customer, make_service: Any) -> None:
    service = make_service(dripfeed=True, fulfilment=Fulfilment.SIMULATED.value)
    placed = place(desk, alice, service, link=LINK, quantity=100, runs=2, interval=1)
    for _ in range(2):
        DripFeed.objects.filter(pk=placed, due_at__isnull=False).update(due_at="2026-01-01T00:00Z")
        make_due_runs(timestamp=0)
    until(lambda: Order.objects.get(pk=placed).status != "In progress", "the drip-feed has ended")
    ends = {Order.objects.get(pk=each).status for each in call(desk, alice, "status", order=placed)["orders"]}
    expected = "Partial" if len(ends) > 1 else ends.pop()
    assert call(desk, alice, "status", order=placed)["status"] == expected


def test_a_simulated_subscription_serves_its_posts_and_is_completed(
    desk: Desk, alice: Customer, make_service: Any, connection: psycopg.Connection
) -> None:
    service = make_service(type="Subscriptions", fulfilment=Fulfilment.SIMULATED.value, max=1000)
    placed = place(desk, alice, service, username="alice", min=100, max=200, delay=5, posts=3)
    connection.execute("UPDATE orders_order SET created_at = created_at - interval '1 day' WHERE id = %s", [placed])
    connection.commit()
    simulator.advance_all(timedelta(seconds=2))
    status = call(desk, alice, "status", order=placed)
    assert (status["status"], status["posts"], status["expiry"]) == ("Completed", "3", "")
    posts = [Order.objects.get(pk=order) for order in status["orders"]]
    assert all(100 <= post.quantity <= 200 and post.dispatch == "simulated" for post in posts)


def test_a_subscription_past_its_last_day_is_expired_and_what_never_came_given_back(
    desk: Desk, alice: Customer, make_service: Any, connection: psycopg.Connection
) -> None:
    service = make_service(type="Subscriptions", max=1000)
    wanted = {"username": "alice", "min": 100, "max": 1000, "delay": 5, "posts": 10}
    lasting, over = (place(desk, alice, service, expiry="31/12/2099", **wanted) for _ in range(2))
    query = """UPDATE orders_order SET fields = jsonb_set(fields, '{expiry}', '"01/01/2020"') WHERE id = %s"""
    connection.execute(query, [over])
    connection.commit()
    expire_subscriptions(timestamp=0)
    assert call(desk, alice, "status", order=lasting)["status"] == "Active"
    assert call(desk, alice, "status", order=over) == {
        "charge": "0.00",
        "start_count": "0",
        "status": "Expired",
        "remains": "10000",
        "currency": "USD",
        "posts": "0",
        "expiry": "01/01/2020",
        "orders": [],
    }
    assert call(desk, alice, "balance")["balance"] == "91.00"


@pytest.mark.parametrize("task", [expire_subscriptions, make_due_runs])
def test_with_nothing_to_do_nothing_is_done(task: Any) -> None:
    task(timestamp=0)
