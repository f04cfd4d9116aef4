"""A bulk action acts on each order once, however many workers run it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from django.db import connections

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, ask, place_one
from tests.races.concurrency import all_at_once
from tests.waiting import until
from tradepost.accounts.models import Account
from tradepost.database import in_transaction
from tradepost.orders.bulk_action_types import BulkActionKind, BulkOptions
from tradepost.orders.bulk_actions import executor, lifecycle
from tradepost.orders.models import BulkAction, BulkOrder, Order

ORDERS = 40
LINK = "https://example.test/page"


@pytest.fixture
def action(connect: Connect, alice: Customer, service: int) -> int:
    """A bulk action that doubles a part of forty links. If it ran twice, a link would have the part four times."""
    connection = connect()
    orders = [place_one(connection, ask(alice, service, link=f"{LINK}/{n}")).order for n in range(ORDERS)]
    connection.commit()
    made = lifecycle.draft(BulkActionKind.EDIT_LINK, Account.objects.get(pk=alice.id), orders)
    assert lifecycle.confirm(made, BulkOptions(find="page", link="page-page"))
    return made.pk


def links(action: int) -> set[int]:
    """How often the part is in the links."""
    orders = BulkOrder.objects.filter(action=action).values("order_id")
    return {link.count("page") for link in Order.objects.filter(pk__in=orders).values_list("link", flat=True)}


def work_to_its_end(action: int) -> None:
    while BulkAction.objects.get(pk=action).state == "running":
        in_transaction(partial(executor.run_batch, action=action, limit=3))
    connections.close_all()


def test_workers_at_the_same_action_do_each_order_once(action: int) -> None:
    all_at_once([partial(work_to_its_end, action)] * 4)
    assert links(action) == {2}
    done = BulkAction.objects.get(pk=action)
    assert (done.state, done.done, done.skipped) == ("done", ORDERS, 0)


def test_without_the_claim_an_order_is_acted_on_twice(
    connect: Connect, action: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: two workers read the same orders as waiting, and the second acts when the first has committed."""
    monkeypatch.setattr(executor, "_claim", lambda pk: BulkAction.objects.select_related("created_by").get(pk=pk))

    def work() -> None:
        in_transaction(partial(executor.run_batch, action=action, limit=3))
        connections.close_all()

    holder = connect()
    [first] = BulkOrder.objects.filter(action=action).order_by("order_id").values_list("order_id", flat=True)[:1]
    holder.execute("SELECT FROM orders_order WHERE id = %s FOR UPDATE", [first])
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(work), threads.submit(work)]
        await_two_blocked(connect())
        holder.commit()
        for each in both:
            each.result()
    assert links(action) == {1, 4}


def await_two_blocked(observer: psycopg.Connection) -> None:
    """Return once two connections wait for locks that others hold."""
    observer.autocommit = True
    query = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
    until(lambda: observer.execute(query).fetchone() == (2,), "two connections wait for locks")
