"""`kill -9` of the worker amid a bulk action on 10,000 orders: another goes on, and each order is done once.

What would come of it without the claim shows `tests/races/test_one_bulk_batch.py`.
"""

import os
import signal
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.builders import place
from tests.conftest import Customer, Desk, process_of, start_desk, stop_desk
from tests.waiting import until, until_blocked_by
from tradepost.accounts.models import Account
from tradepost.fulfilment.tasks import bulk_actions
from tradepost.ledger.models import LedgerAccount, Transfer
from tradepost.orders.bulk_action_types import BulkActionKind, BulkOptions
from tradepost.orders.bulk_actions import lifecycle
from tradepost.orders.models import BulkAction, Order, OrderEvent

ORDERS = 10_000
PLACED_AT_ONCE = 1_000
KILLED_AFTER = 5_000  # so many are done by whole batches


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


def do_with_a_kill(
    desk: Desk, action: BulkAction, options: BulkOptions, middle: int, holder: psycopg.Connection
) -> None:
    """Have an action done, and kill its worker where that can't go on: at an order in the middle, which is locked."""
    worker = process_of(desk, "worker")
    holder.execute("SELECT FROM orders_order WHERE id = %s FOR UPDATE", [middle])
    assert lifecycle.confirm(action, options)
    bulk_actions.defer_bulk_action(action.pk)
    until_blocked_by(holder)
    os.kill(worker, signal.SIGKILL)
    action.refresh_from_db()
    assert action.state == "running", "it was over before it was killed"
    assert action.worked_on == KILLED_AFTER
    holder.rollback()
    process_of(desk, "worker", but=worker)
    until(lambda: BulkAction.objects.get(pk=action.pk).state != "running", "another worker has gone on to the end")
    action.refresh_from_db()


def test_each_order_is_done_once_whatever_becomes_of_the_worker(
    own_desk: Desk, orders: tuple[Customer, list[int]], connection: psycopg.Connection
) -> None:
    customer, placed = orders
    by, middle = Account.objects.get(pk=customer.id), placed[KILLED_AFTER]
    edited = lifecycle.draft(BulkActionKind.EDIT_LINK, by, placed)
    do_with_a_kill(own_desk, edited, BulkOptions(find="page", link="page-page"), middle, connection)
    assert (edited.state, edited.done, edited.skipped, edited.failed) == ("done", ORDERS, 0, 0)
    links = Order.objects.filter(pk__in=placed).values_list("link", flat=True)
    assert set(links) == {"https://example.com/page-page"}, "a link was edited twice"

    canceled = lifecycle.draft(BulkActionKind.CANCEL, by, placed)
    do_with_a_kill(own_desk, canceled, BulkOptions(), middle, connection)
    assert (canceled.state, canceled.done, canceled.skipped, canceled.failed) == ("done", ORDERS, 0, 0)
    assert OrderEvent.objects.filter(order__in=placed, to_status="Canceled").count() == ORDERS
    assert Transfer.objects.filter(order__in=placed, kind="cancel").count() == ORDERS
    assert LedgerAccount.objects.get(account=customer.id).balance == 1_000
