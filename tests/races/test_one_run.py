"""A due run is made once, however many workers look for it, and a stop at the same time loses no money."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import psycopg
import pytest
from psycopg.errors import UniqueViolation

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, MakeService, ask, balance, place_one, value
from tests.races.concurrency import all_at_once, await_blocked
from tradepost.engine import drip_feeds
from tradepost.engine.drip_feeds import make_due
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status


@pytest.fixture
def dripfeed(connect: Connect, alice: Customer, make_service: MakeService) -> int:
    """A drip-feed of Alice's, its first run due: three runs of 100 for 0.30."""
    connection = connect()
    service = make_service(dripfeed=True, rate=Decimal(1))
    placed = place_one(connection, ask(alice, service, quantity=100, runs=3, interval=60))
    connection.commit()
    return placed.order


def runs(connection: psycopg.Connection, dripfeed: int) -> int:
    return int(value(connection, "SELECT count(*) FROM orders_order WHERE parent_id = %s", dripfeed))


def test_a_run_that_another_worker_is_making_is_left_to_it(connect: Connect, dripfeed: int) -> None:
    first, second = connect(), connect()
    make_due(first)
    assert runs(first, dripfeed) == 1
    make_due(second)
    assert runs(second, dripfeed) == 0
    first.commit()
    second.commit()
    make_due(second)
    assert runs(second, dripfeed) == 1


def test_without_the_lock_the_second_worker_is_refused_by_the_key(
    connect: Connect, dripfeed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both workers see the due run, and only the unique key keeps it from being made twice."""
    unlocked = drip_feeds._DUE.replace("FOR UPDATE OF o, d SKIP LOCKED", "")
    assert unlocked != drip_feeds._DUE
    monkeypatch.setattr(drip_feeds, "_DUE", unlocked)
    first, second = connect(), connect()
    make_due(first)
    assert runs(first, dripfeed) == 1
    with ThreadPoolExecutor(1) as thread:
        late = thread.submit(make_due, second)
        await_blocked(connect(), second)
        first.commit()
        with pytest.raises(UniqueViolation):
            late.result()
    assert runs(connect(), dripfeed) == 1


def test_a_stop_beside_the_making_of_runs_gives_back_what_was_not_made(
    connect: Connect, alice: Customer, dripfeed: int
) -> None:
    for _ in range(4):
        all_at_once([partial(make, connect(), dripfeed), partial(make, connect(), dripfeed)])
    all_at_once([partial(make, connect(), dripfeed), partial(stop, connect(), dripfeed)])

    connection = connect()
    assert value(connection, "SELECT status FROM orders_order WHERE id = %s", dripfeed) == "Canceled"
    assert balance(connection, alice) == 100


def make(connection: psycopg.Connection, dripfeed: int) -> None:
    connection.execute("UPDATE orders_dripfeed SET due_at = now() WHERE order_id = %s AND due_at > now()", [dripfeed])
    connection.commit()
    make_due(connection)
    connection.commit()


def stop(connection: psycopg.Connection, dripfeed: int) -> None:
    settle(connection, [Report(dripfeed, Status.CANCELED)], actor="test")
    connection.commit()
