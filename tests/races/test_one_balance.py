"""A balance is spent only once, however many requests spend it at the same time; the lock ensures this."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, MakeCustomer, ask, balance, place_all, value
from tests.races.concurrency import all_at_once, await_blocked
from tradepost.engine import ledger

BUYERS = 64
NO_FUNDS = "Not enough funds on balance"


def place_and_commit(connection: psycopg.Connection, customer: Customer, service: int) -> int | str:
    [answer] = place_all(connection, ask(customer, service))
    connection.commit()
    return answer


def test_of_64_who_spend_one_balance_one_is_served(connect: Connect, make_customer: MakeCustomer, service: int) -> None:
    customer = make_customer("0.09")
    connections = [connect() for _ in range(BUYERS)]
    answers = all_at_once([partial(place_and_commit, each, customer, service) for each in connections])

    assert sorted(answers, key=str)[1:] == [NO_FUNDS] * (BUYERS - 1)
    [order] = [answer for answer in answers if isinstance(answer, int)]
    assert orders_of(connections[0], customer) == [order]
    assert balance(connections[0], customer) == 0


def test_of_64_who_spend_a_balance_for_ten_ten_are_served(
    connect: Connect, make_customer: MakeCustomer, service: int
) -> None:
    customer = make_customer("0.98")
    connections = [connect() for _ in range(BUYERS)]
    answers = all_at_once([partial(place_and_commit, each, customer, service) for each in connections])

    assert answers.count(NO_FUNDS) == BUYERS - 10
    assert len(orders_of(connections[0], customer)) == 10
    assert balance(connections[0], customer) == Decimal("0.08")


def test_whoever_comes_second_waits_for_the_first_and_sees_what_is_left(
    connect: Connect, make_customer: MakeCustomer, service: int
) -> None:
    customer = make_customer("0.09")
    first, second = connect(), connect()
    answers = place_across(first, second, connect(), customer, service)
    second.commit()

    assert answers == [orders_of(first, customer)[0], NO_FUNDS]


def test_without_the_lock_both_decide_to_sell_and_the_database_refuses_the_second(
    connect: Connect, make_customer: MakeCustomer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same race without the lock."""
    without_lock = ledger._LOCK.replace("FOR UPDATE", "")
    assert without_lock != ledger._LOCK
    monkeypatch.setattr(ledger, "_LOCK", without_lock)
    customer = make_customer("0.09")
    first, second = connect(), connect()
    with pytest.raises(psycopg.errors.CheckViolation, match="ledger_account_within_credit"):
        place_across(first, second, connect(), customer, service)
    second.rollback()

    assert len(orders_of(first, customer)) == 1


def place_across(
    first: psycopg.Connection,
    second: psycopg.Connection,
    observer: psycopg.Connection,
    customer: Customer,
    service: int,
) -> list[int | str]:
    """Place an order on each connection, the second before the first commits. The caller ends the second."""
    answers = place_all(first, ask(customer, service))
    with ThreadPoolExecutor(1) as thread:
        later = thread.submit(place_all, second, ask(customer, service))
        await_blocked(observer, second)
        first.commit()
        return answers + later.result()


def orders_of(connection: psycopg.Connection, customer: Customer) -> list[int]:
    query = "SELECT array_agg(id ORDER BY id) FROM orders_order WHERE account_id = %s"
    found: list[int] = value(connection, query, customer.id)
    return found
