"""`kill -9` of the worker amid a bulk action on 10,000 orders: another goes on, and each order is done once.

What would come of it without the claim shows `tests/races/test_one_bulk_batch.py`.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from testkit import process_cpu
from tests.builders import place
from tests.conftest import Customer, Desk, start_desk, stop_desk
from tradepost.accounts.models import Account
from tradepost.fulfilment.tasks import bulk_actions
from tradepost.ledger.models import LedgerAccount, Transfer
from tradepost.orders.bulk_action_types import BulkActionKind, BulkOptions
from tradepost.orders.bulk_actions import lifecycle
from tradepost.orders.models import BulkAction, Order, OrderEvent

ORDERS = 10_000
PLACED_AT_ONCE = 1_000
KILLED_AFTER = 1_000
LOOK_SECONDS = 0.02


@pytest.fixture
def own_desk() -> Iterator[Desk]:
    """A desk whose worker may be killed."""
    desk = start_desk(TRADEPOST_SIMULATOR_SECONDS="86400")
    yield desk
    assert stop_desk(desk) == 0


@pytest.fixture
def orders(make_customer: Callable[..., Customer], service: int) -> tuple[Customer, list[int]]:
    """A customer who has spent 900 of 1,000 on ten thousand orders."""
    customer = make_customer("1000")
    placed = [order for _ in range(ORDERS // PLACED_AT_ONCE) for order in place(customer.id, service, PLACED_AT_ONCE)]
    return customer, placed


def worker_of(desk: Desk, *, but: int = 0) -> int:
    """Wait for the desk's worker, one that is not `but`, and return it."""
    while True:
        pid = process_cpu.first_child_named(desk.process.pid, "tradepost worke")
        if pid and pid != but:
            return pid
        time.sleep(LOOK_SECONDS)


def do_with_a_kill(
    desk: Desk, customer: Customer, kind: BulkActionKind, options: BulkOptions, orders: list[int]
) -> BulkAction:
    """Have it done to all of them, and kill whoever does it before it is over."""
    action = lifecycle.draft(kind, Account.objects.get(pk=customer.id), orders)
    worker = worker_of(desk)
    assert lifecycle.confirm(action, options)
    bulk_actions.start(action.pk)
    while BulkAction.objects.get(pk=action.pk).worked_on < KILLED_AFTER:
        time.sleep(LOOK_SECONDS)
    os.kill(worker, signal.SIGKILL)
    action.refresh_from_db()
    assert action.state == "running", "it was over before it was killed"
    worker_of(desk, but=worker)
    while action.state == "running":
        time.sleep(LOOK_SECONDS)
        action.refresh_from_db()
    return action


def test_each_order_is_done_once_whatever_becomes_of_the_worker(
    own_desk: Desk, orders: tuple[Customer, list[int]]
) -> None:
    customer, placed = orders
    edited = do_with_a_kill(
        own_desk, customer, BulkActionKind.EDIT_LINK, BulkOptions(find="page", link="page-page"), placed
    )
    assert (edited.state, edited.done, edited.skipped, edited.failed) == ("done", ORDERS, 0, 0)
    links = Order.objects.filter(pk__in=placed).values_list("link", flat=True)
    assert set(links) == {"https://example.com/page-page"}, "a link was edited twice"

    canceled = do_with_a_kill(own_desk, customer, BulkActionKind.CANCEL, BulkOptions(), placed)
    assert (canceled.state, canceled.done, canceled.skipped, canceled.failed) == ("done", ORDERS, 0, 0)
    assert OrderEvent.objects.filter(order__in=placed, to_status="Canceled").count() == ORDERS
    assert Transfer.objects.filter(order__in=placed, kind="cancel").count() == ORDERS
    assert LedgerAccount.objects.get(account=customer.id).balance == 1_000
