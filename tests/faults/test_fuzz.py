"""Malformed requests that no client should send: the desk survives them all. `scripts/bench fuzz` sends many more."""

from collections.abc import Callable
from decimal import Decimal
from urllib.parse import urlsplit

import psycopg
import pytest

from testkit.fuzz.bad_requests import LINK_RULE, QUANTITY_MAX, Target
from testkit.fuzz.runner import fuzz
from tests.api.api_calls import order
from tests.conftest import PROC, Customer, Desk, process_of
from tests.waiting import HANG_SECONDS
from tradepost.engine.order_types import RULES, OrderType

REQUESTS = 2_000


@pytest.fixture
def target(desk: Desk, alice: Customer, make_service: Callable[..., int]) -> Target:
    """A service of each type, and an order that can't be canceled."""
    terms = {"min": 10, "max": QUANTITY_MAX, "link_pattern": LINK_RULE}
    services = {type_: make_service(type=type_, dripfeed=rule.dripfeed, **terms) for type_, rule in RULES.items()}
    address = urlsplit(desk.url)
    placed = order(desk, alice, services[OrderType.DEFAULT])
    return Target(str(address.hostname), address.port or 0, alice.key, services, placed)


def wealth(connection: psycopg.Connection, customer: Customer) -> tuple[int, Decimal]:
    """Return the number of a customer's orders, and the balance."""
    query = """
        SELECT count(o.id), l.balance FROM ledger_account l LEFT JOIN orders_order o USING (account_id)
        WHERE l.account_id = %s GROUP BY l.id"""
    row = connection.execute(query, [customer.id]).fetchone()
    assert row
    connection.commit()
    return row


def test_nothing_made_up_is_an_order_a_server_error_or_a_burden(
    desk: Desk, alice: Customer, target: Target, connection: psycopg.Connection
) -> None:
    before = wealth(connection, alice)
    server = process_of(desk, "server") if PROC.exists() else None
    standing = fuzz(target, count=REQUESTS, seed=1, server=server, answer_seconds_max=HANG_SECONDS)
    assert wealth(connection, alice) == before
    assert standing.answers.keys() >= {
        "an answer",
        "Bad link",
        "Incorrect quantity",
        "Incorrect request",
        "no HTTP: 400",
    }
    if server is None:
        pytest.skip("all but the memory was looked at: that is told by /proc, which is not here")
    assert standing.growth_bytes is not None
