"""Staff, the customer and the provider cancel an order at once, each in their own way: its money comes back once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import psycopg
import pytest
from django.db import connections
from django.test import override_settings

from tests import asking
from tests.backoffice.browsers import member
from tests.backoffice.orders.test_bulk_actions import choose
from tests.backoffice.orders.test_order_actions import press
from tests.builders import make_offer, make_provider, place, route
from tests.conftest import Customer, Desk
from tests.engine.engine_calls import Connect, balance, transfers
from tests.races.concurrency import all_at_once, await_blocked
from tradepost.database import in_transaction
from tradepost.engine import orders
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status
from tradepost.orders.bulk_action_types import BulkOptions
from tradepost.orders.bulk_actions import executor, lifecycle

ROUNDS = 5
CANCELED = [("charge", Decimal("0.09")), ("cancel", Decimal("0.09"))]


def on_its_own(work: Callable[[], object]) -> None:
    """Do this on a connection of the thread's own."""
    try:
        work()
    finally:
        connections.close_all()


def report(connection: psycopg.Connection, order: int) -> None:
    settle(connection, [Report(order, Status.CANCELED)], actor="provider")
    connection.commit()


@pytest.fixture
def waiting(alice: Customer, make_service: Callable[..., int]) -> int:
    """An order of Alice's that waits for a paused provider: everybody may cancel it."""
    service = make_service(cancel=True)
    route(service, make_offer(make_provider(is_paused=True)))
    [order] = place(alice.id, service)
    return order


@override_settings(ALLOWED_HOSTS=["testserver"])
@pytest.mark.parametrize("_round", range(ROUNDS))
def test_of_all_who_cancel_at_once_one_gives_the_money_back(
    desk: Desk, connect: Connect, alice: Customer, waiting: int, _round: int
) -> None:
    order = waiting
    staff, other = member("manager"), member("support")
    action = choose(other, "cancel", order)
    assert lifecycle.confirm(action, BulkOptions())
    api = {"key": alice.key, "action": "cancel", "orders": str(order)}
    reporting = [connect() for _ in range(2)]
    cancels: list[Callable[[], object]] = [
        partial(on_its_own, partial(press, staff, "cancel_now", order)),
        partial(on_its_own, partial(in_transaction, partial(executor.run_batch, action=action.pk, limit=10))),
        partial(asking.post, desk.api_url, data=api),
        partial(asking.post, desk.api_url, data=api),
        *(partial(report, each, order) for each in reporting),
    ]
    all_at_once(cancels)
    assert transfers(connect(), order) == CANCELED
    assert balance(connect(), alice) == 100


def test_without_the_lock_both_would_give_it_back_and_the_database_refuses_the_second(
    connect: Connect, alice: Customer, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both see the order as it was, and the second goes on when the first has committed."""
    without_lock = orders._LOCK.replace("FOR UPDATE", "")
    assert without_lock != orders._LOCK
    monkeypatch.setattr(orders, "_LOCK", without_lock)
    first, second = connect(), connect()
    canceled = [Report(waiting, Status.CANCELED)]
    settle(first, canceled, actor="first")
    with ThreadPoolExecutor(1) as thread:
        later = thread.submit(settle, second, canceled, actor="second")
        await_blocked(connect(), second)
        first.commit()
        with pytest.raises(psycopg.errors.IntegrityError):
            later.result()
    second.rollback()
    assert transfers(first, waiting) == CANCELED
    assert balance(first, alice) == 100
