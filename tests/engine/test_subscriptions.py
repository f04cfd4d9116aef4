"""Subscriptions: posts mirrored as orders, and what never came given back at the end."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import MakeService, balance, place_one, transfers, value
from tests.engine.test_drip_feeds import runs_of, standing
from tradepost.engine import books_check
from tradepost.engine.placing import OrderRequest
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import Status
from tradepost.engine.subscriptions import Post, find_expired, mirror_posts

ENDS = [Status.COMPLETED, Status.EXPIRED, Status.CANCELED]


@pytest.fixture
def subscribed(make_service: MakeService) -> int:
    """A service of subscriptions: 1.00 for 1,000, from 10 to 1,000 a post."""
    return make_service(type="Subscriptions", rate=Decimal(1), max=1000)


def subscribe(connection: psycopg.Connection, customer: Customer, service: int, **more: str) -> int:
    """Subscribe for three posts of 50 to 100 each."""
    wanted = {"service": str(service), "username": "alice", "min": "50", "max": "100", "delay": "5", "posts": "3"}
    return place_one(connection, OrderRequest(customer.digest, {**wanted, **more})).order


@pytest.fixture
def subscription(connection: psycopg.Connection, alice: Customer, subscribed: int) -> Iterator[int]:
    """A subscription of Alice's for 0.30. Whatever comes of it, the books are clean."""
    yield subscribe(connection, alice, subscribed)
    assert list(books_check.check(connection)) == []


def post(subscription: int, part: int, quantity: int = 80) -> Post:
    return Post(subscription, part, f"https://example.test/{part}", quantity)


def test_it_is_active_and_charged_for_every_post(
    connection: psycopg.Connection, alice: Customer, subscription: int
) -> None:
    assert standing(connection, subscription) == (Status.ACTIVE, 300, Decimal("0.3"), 0)
    assert balance(connection, alice) == Decimal("99.7")


def test_a_post_is_an_order_of_its_own_for_its_share(connection: psycopg.Connection, subscription: int) -> None:
    assert mirror_posts(connection, [post(subscription, 1)]) == 1

    [first] = runs_of(connection, subscription)
    assert standing(connection, first) == (Status.PENDING, 80, Decimal("0.1"), 0)
    assert value(connection, "SELECT link FROM orders_order WHERE id = %s", first) == "https://example.test/1"
    assert value(connection, "SELECT mode FROM orders_order WHERE id = %s", first) == "post"


def test_each_post_is_mirrored_once_in_its_turn_and_none_beyond_what_was_paid(
    connection: psycopg.Connection, subscription: int
) -> None:
    assert mirror_posts(connection, [post(subscription, 2)]) == 0
    assert mirror_posts(connection, [post(subscription, 1), post(subscription, 1), post(subscription, 2)]) == 2
    assert mirror_posts(connection, [post(subscription, part) for part in range(1, 9)]) == 1
    assert mirror_posts(connection, [post(0, 1)]) == 0
    assert len(runs_of(connection, subscription)) == 3


def test_paused_and_resumed_it_keeps_its_money(
    connection: psycopg.Connection, alice: Customer, subscription: int
) -> None:
    for status in (Status.PAUSED, Status.ACTIVE, Status.PAUSED):
        assert settle(connection, [Report(subscription, status)], actor="staff") == [SettleResult.SETTLED]
        assert standing(connection, subscription) == (status, 300, Decimal("0.3"), 0)
    assert balance(connection, alice) == Decimal("99.7")


@pytest.mark.parametrize("end", ENDS)
def test_at_its_end_the_posts_that_never_came_are_given_back_once(
    connection: psycopg.Connection, alice: Customer, subscription: int, end: Status
) -> None:
    mirror_posts(connection, [post(subscription, 1)])
    assert settle(connection, [Report(subscription, end)] * 2, actor="test") == [
        SettleResult.SETTLED,
        SettleResult.UNCHANGED,
    ]

    assert transfers(connection, subscription) == [("charge", Decimal("0.3")), ("unused", Decimal("0.2"))]
    assert standing(connection, subscription) == (end, 300, Decimal("0.3"), Decimal("0.2"))
    assert balance(connection, alice) == Decimal("99.9")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("later", [*ENDS, Status.ACTIVE, Status.PAUSED, Status.PARTIAL])
def test_what_has_ended_stays_as_it_is(
    connection: psycopg.Connection, subscription: int, end: Status, later: Status
) -> None:
    settle(connection, [Report(subscription, end)], actor="test")
    outcome = SettleResult.UNCHANGED if later is end else SettleResult.NOT_ALLOWED

    assert settle(connection, [Report(subscription, later)], actor="test") == [outcome]
    assert mirror_posts(connection, [post(subscription, 1)]) == 0


def test_a_subscription_has_only_its_own_states(connection: psycopg.Connection, subscription: int) -> None:
    for status in (Status.PENDING, Status.IN_PROGRESS, Status.PROCESSING, Status.PARTIAL):
        assert settle(connection, [Report(subscription, status)], actor="test") == [SettleResult.NOT_ALLOWED]


def test_with_every_post_served_nothing_is_given_back(
    connection: psycopg.Connection, alice: Customer, subscription: int
) -> None:
    mirror_posts(connection, [post(subscription, part) for part in (1, 2, 3)])
    reports = [Report(order, Status.COMPLETED) for order in runs_of(connection, subscription)]
    settle(connection, [*reports, Report(subscription, Status.COMPLETED)], actor="test")

    assert standing(connection, subscription) == (Status.COMPLETED, 0, Decimal("0.3"), 0)
    assert balance(connection, alice) == Decimal("99.7")


def test_a_post_that_falls_short_gives_back_its_share_even_after_the_end(
    connection: psycopg.Connection, alice: Customer, subscription: int
) -> None:
    mirror_posts(connection, [post(subscription, 1), post(subscription, 2)])
    first, second = runs_of(connection, subscription)
    settle(connection, [Report(first, Status.PARTIAL, remains=40)], actor="test")
    settle(connection, [Report(subscription, Status.COMPLETED)], actor="test")
    settle(connection, [Report(second, Status.CANCELED)], actor="test")

    assert standing(connection, subscription) == (Status.COMPLETED, 250, Decimal("0.3"), Decimal("0.25"))
    assert balance(connection, alice) == Decimal("99.95")


def test_those_past_their_last_day_are_found(connection: psycopg.Connection, alice: Customer, subscribed: int) -> None:
    day = "31/12/2099"
    lasting, over, paused, gone = (subscribe(connection, alice, subscribed, expiry=day) for _ in range(4))
    forever = subscribe(connection, alice, subscribed)
    settle(connection, [Report(paused, Status.PAUSED), Report(gone, Status.CANCELED)], actor="test")
    query = """UPDATE orders_order SET fields = jsonb_set(fields, '{expiry}', '"01/01/2020"') WHERE id = ANY(%s)"""
    connection.execute(query, [[over, paused, gone]])

    found = find_expired(connection, limit=1000)
    assert [order for order in (lasting, over, paused, gone, forever) if order in found] == [over, paused]
