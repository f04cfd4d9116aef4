"""Accounts are locked in id order, so batches over the same accounts wait for each other but never deadlock."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, MakeCustomer, ask, place_all
from tests.races.concurrency import all_at_once, await_blocked
from tradepost.engine import ledger
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import Status

DIRECTION = "coalesce(current_setting('test.direction', true), '1')::int"


def test_batches_in_opposite_order_never_deadlock(connect: Connect, make_customer: MakeCustomer, service: int) -> None:
    customers = [make_customer() for _ in range(3)]

    assert meet(connect, customers, service) == ["placed", "placed"]


def test_without_the_order_of_locks_they_deadlock(
    connect: Connect, make_customer: MakeCustomer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same meeting, each connection with a lock order of its own."""
    disordered = ledger._LOCK.replace("ORDER BY id", f"ORDER BY id * {DIRECTION}")
    assert disordered != ledger._LOCK
    monkeypatch.setattr(ledger, "_LOCK", disordered)
    customers = [make_customer() for _ in range(3)]

    assert sorted(meet(connect, customers, service)) == ["deadlock", "placed"]


def meet(connect: Connect, customers: Sequence[Customer], service: int) -> list[str]:
    """Hold the account in the middle until two batches, in opposite order, both wait; then let it go.

    By then each has locked what comes before the middle in its own order. If those are different accounts, neither
    can go on to the end.
    """
    holder, up, down = connect(), connect(), connect()
    up.execute("SET test.direction = 1")
    down.execute("SET test.direction = -1")
    for each in (up, down):
        each.execute("SET deadlock_timeout = '10ms'")
        each.commit()
    ledger.lock(holder, [customers[1].id])
    with ThreadPoolExecutor(2) as threads:
        meeting = [
            threads.submit(place_batch, up, customers, service),
            threads.submit(place_batch, down, customers[::-1], service),
        ]
        await_blocked(connect(), up, down)
        holder.rollback()
        return [each.result() for each in meeting]


def place_batch(connection: psycopg.Connection, customers: Sequence[Customer], service: int) -> str:
    try:
        answers = place_all(connection, *(ask(customer, service) for customer in customers))
    except DeadlockDetected:
        connection.rollback()
        return "deadlock"
    connection.commit()
    return "placed" if all(isinstance(answer, int) for answer in answers) else "refused"


def test_placing_and_settling_over_the_same_accounts_never_deadlock(
    connect: Connect, make_customer: MakeCustomer, service: int
) -> None:
    customers = [make_customer() for _ in range(6)]
    connections = [connect() for _ in range(4)]
    outcomes = all_at_once(
        [partial(trade, each, random.Random(seed), customers, service) for seed, each in enumerate(connections)]
    )

    assert outcomes == [{SettleResult.SETTLED}] * 4


def trade(
    connection: psycopg.Connection, shuffled: random.Random, customers: Sequence[Customer], service: int
) -> set[SettleResult]:
    """Place batches over all customers and cancel them again, each time in another order."""
    outcomes: set[SettleResult] = set()
    for _ in range(8):
        orders = place_all(connection, *(ask(each, service) for each in shuffled.sample(customers, len(customers))))
        connection.commit()
        reports = [Report(order, Status.CANCELED) for order in orders if isinstance(order, int)]
        outcomes |= set(settle(connection, shuffled.sample(reports, len(reports)), actor="test"))
        connection.commit()
    return outcomes
