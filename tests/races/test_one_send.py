"""One worker claims an order, and a cancel at the same time either stops the order or comes too late, never both."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import count

import psycopg
import pytest
from psycopg.errors import UniqueViolation

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, MakeService, ask, balance, place_one, value
from tests.races.concurrency import await_blocked
from tradepost.engine import dispatching, orders
from tradepost.engine.cancelling import CancelOf, cancel
from tradepost.engine.dispatching import claim
from tradepost.engine.orders import Move, Order
from tradepost.engine.statuses import Dispatch

_numbers = count(1)

type Queue = Callable[[int], tuple[int, list[int]]]


@pytest.fixture
def queue(connect: Connect, alice: Customer, make_service: MakeService) -> Queue:
    """Queue orders of Alice's for a paused provider of their own, so that no other worker claims them."""
    from tradepost.providers.models import Provider, ProviderService, Route

    def make(times: int) -> tuple[int, list[int]]:
        provider = Provider.objects.create(
            name=f"Race {next(_numbers)}", url="http://127.0.0.1:9/", encrypted_key=b"", is_paused=True
        )
        service = make_service(fulfilment="provider", cancel=True)
        sold = ProviderService.objects.create(provider=provider, upstream_id="1", name="x", type="Default", rate=1)
        Route.objects.create(service_id=service, provider_service=sold)
        connection = connect()
        orders = [place_one(connection, ask(alice, service)).order for _ in range(times)]
        connection.commit()
        return provider.pk, orders

    return make


def state(connection: psycopg.Connection, order: int) -> tuple[object, object]:
    query = "SELECT status, dispatch FROM orders_order WHERE id = %s"
    [found] = connection.execute(query, [order]).fetchall()
    return found


def test_what_one_worker_is_claiming_another_leaves_alone(connect: Connect, queue: Queue) -> None:
    provider, queued = queue(4)
    first, second = connect(), connect()
    mine = [outgoing.order for outgoing in claim(first, provider, limit=2)]
    yours = [outgoing.order for outgoing in claim(second, provider, limit=10)]
    assert (mine, yours) == (queued[:2], queued[2:])
    first.commit()
    second.commit()
    assert claim(connect(), provider, limit=10) == []


def test_without_its_locks_the_second_claim_is_refused_by_the_key(
    connect: Connect, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: both workers see the queued order, and only the unique key keeps it from being sent twice."""
    unlocked = dispatching._CLAIMABLE.replace("FOR UPDATE OF o SKIP LOCKED", "")
    unheeded = dispatching._SENDING.replace("AND state = %s", "AND %s <> ''")
    assert unlocked != dispatching._CLAIMABLE
    assert unheeded != dispatching._SENDING
    monkeypatch.setattr(dispatching, "_CLAIMABLE", unlocked)
    monkeypatch.setattr(dispatching, "_SENDING", unheeded)
    monkeypatch.setattr(orders, "move_dispatch", _move_anyway)
    provider, _ = queue(1)
    first, second = connect(), connect()
    assert len(claim(first, provider, limit=1)) == 1
    with ThreadPoolExecutor(1) as thread:
        late = thread.submit(claim, second, provider, limit=1)
        await_blocked(connect(), second)
        first.commit()
        with pytest.raises(UniqueViolation):
            late.result()


def _move_anyway(order: Order, to: Dispatch) -> Move:
    order.dispatch = to
    return Move(order, order.status, order.status)


def test_a_cancel_that_waits_for_the_claim_comes_too_late(connect: Connect, alice: Customer, queue: Queue) -> None:
    provider, [order] = queue(1)
    worker, api = connect(), connect()
    assert len(claim(worker, provider, limit=1)) == 1
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(cancel, api, [CancelOf(by=alice.digest, orders=[str(order)])], actor="api")
        await_blocked(connect(), api)
        worker.commit()
        assert asked.result() == [[1]]
    api.commit()
    look = connect()
    assert state(look, order) == ("Pending", "sending")
    assert value(look, "SELECT state FROM orders_cancelrequest WHERE order_id = %s", order) == "open"
    assert balance(look, alice) == Decimal("99.91")


def test_a_claim_beside_the_cancel_leaves_the_order_alone(connect: Connect, alice: Customer, queue: Queue) -> None:
    provider, [order] = queue(1)
    worker, api = connect(), connect()
    assert cancel(api, [CancelOf(by=alice.digest, orders=[str(order)])], actor="api") == [[1]]
    assert claim(worker, provider, limit=1) == []
    api.commit()
    assert claim(worker, provider, limit=1) == []
    assert state(connect(), order) == ("Canceled", "queued")
    assert balance(connect(), alice) == 100
