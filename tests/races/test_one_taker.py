"""If two people take the same order by hand, one of them gets it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from psycopg.errors import UniqueViolation

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, MakeService, ask, place_one
from tests.races.concurrency import all_at_once, await_blocked
from tradepost.accounts.models import Account
from tradepost.orders import manual_work
from tradepost.orders.models import OrderAssignment

PEOPLE = 6


def people(times: int) -> list[int]:
    made = Account.objects.count()
    return [Account.objects.create_user(f"taker{made}-{n}@test.example", is_staff=True).pk for n in range(times)]


@pytest.fixture
def orders(connect: Connect, alice: Customer, make_service: MakeService) -> tuple[int, list[int]]:
    """A service by hand, and as many orders of it as there are people."""
    connection, service = connect(), make_service()
    placed = [place_one(connection, ask(alice, service)).order for _ in range(PEOPLE)]
    connection.commit()
    return service, placed


def take(connect: Connect, order: int, person: int) -> bool:
    connection = connect()
    is_taken = manual_work.take(connection, order, person)
    connection.commit()
    return is_taken


def take_next(connect: Connect, service: int, person: int) -> int | None:
    connection = connect()
    order = manual_work.take_next(connection, person, service)
    connection.commit()
    return order


def test_of_many_who_take_the_same_order_one_has_it(connect: Connect, orders: tuple[int, list[int]]) -> None:
    order = orders[1][0]
    takers = people(PEOPLE)
    taken = all_at_once([partial(take, connect, order, person) for person in takers])
    assert taken.count(True) == 1
    assert OrderAssignment.objects.get(order=order).assignee_id == takers[taken.index(True)]


def test_of_many_who_take_the_next_each_has_another(connect: Connect, orders: tuple[int, list[int]]) -> None:
    service, placed = orders
    taken = all_at_once([partial(take_next, connect, service, person) for person in people(PEOPLE)])
    assert sorted(order for order in taken if order is not None) == placed


def test_both_see_it_free_and_the_key_decides(
    connect: Connect, orders: tuple[int, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the second person also sees the order as free, and only the unique key refuses."""
    unguarded = manual_work._TAKE.replace("ON CONFLICT DO NOTHING", "")
    assert unguarded != manual_work._TAKE
    monkeypatch.setattr(manual_work, "_TAKE", unguarded)
    order = orders[1][0]
    one, other = people(2)
    first, second = connect(), connect()
    assert manual_work.take(first, order, one)
    with ThreadPoolExecutor(1) as thread:
        late = thread.submit(manual_work.take, second, order, other)
        await_blocked(connect(), second)
        first.commit()
        with pytest.raises(UniqueViolation):
            late.result()
