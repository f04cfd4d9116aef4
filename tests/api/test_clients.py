"""Five clients as their authors published them, each pointed at a running desk, each of their calls made.

One call can't work: optsmm's `order_cancel` waits for another shape than the array that the protocol has.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import lytics.main
import psycopg
import pytest
from lytics import Lytics
from optsmm.optsmm import OptSMM
from safesmm import SafeSMM, SafeSMMError
from smm import SMM
from smm.client import SMMAPIError
from smmpy import smm as SmmPy  # noqa: N812

from tests.conftest import Customer, Desk
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import Status

LINK = "https://pixelpond.example/client"
ONE_ORDER = {"charge": "0.09", "start_count": "0", "status": "Pending", "remains": "100", "currency": "USD"}
AFTER_ONE = {"balance": "99.91", "currency": "USD"}
UNKNOWN = {"error": "Incorrect order ID"}


@pytest.fixture
def generous(make_service: Any) -> int:
    """A service with refill, cancel and drip-feed."""
    return int(make_service(refill=True, cancel=True, dripfeed=True))


@pytest.fixture
def complete(connection: psycopg.Connection) -> Callable[[int], int]:
    """Complete orders, as whoever fulfils them does."""

    def done(order: int) -> int:
        assert settle(connection, [Report(order, Status.COMPLETED)], actor="test") == [SettleResult.SETTLED]
        connection.commit()
        return order

    return done


def test_safesmm(desk: Desk, alice: Customer, service: int) -> None:
    client = SafeSMM(alice.key, desk.api_url)
    assert any(each["service"] == service for each in client.services())
    order = client.add_order(service, LINK, 100)["order"]
    assert isinstance(order, int)
    assert client.status(order) == ONE_ORDER
    assert client.multi_status([order, 0]) == {str(order): ONE_ORDER, "0": UNKNOWN}
    assert client.balance() == AFTER_ONE
    with pytest.raises(SafeSMMError, match="Quantity less than minimal 10"):
        client.add_order(service, LINK, 1)


def test_safesmm_refills_cancels_and_feeds(
    desk: Desk, alice: Customer, generous: int, complete: Callable[[int], int]
) -> None:
    client = SafeSMM(alice.key, desk.api_url)
    order = complete(client.add_order(generous, LINK, 100)["order"])
    assert client.refill(order).keys() == {"refill"}
    first, second = (client.add_order(generous, LINK, 100)["order"] for _ in range(2))
    assert client.cancel([first, second]) == [{"order": first, "cancel": 1}, {"order": second, "cancel": 1}]
    fed = client.status(client.add_order(generous, LINK, 100, runs=5, interval=30)["order"])
    assert (fed["charge"], fed["remains"]) == ("0.45", "500")


def test_babismm(desk: Desk, alice: Customer, service: int) -> None:
    with SMM(desk.api_url, alice.key) as client:
        assert any(each["service"] == service for each in client.get_services())
        order = client.add_order(service, LINK, 100)["order"]
        assert client.get_status(order) == ONE_ORDER
        assert client.get_multi_status([order, 0]) == {str(order): ONE_ORDER, "0": UNKNOWN}
        assert client.get_balance() == AFTER_ONE
        with pytest.raises(SMMAPIError, match="Bad link"):
            client.add_order(service, quantity=100)


def test_babismm_refills_cancels_feeds_and_subscribes(
    desk: Desk, alice: Customer, generous: int, make_service: Any, complete: Callable[[int], int]
) -> None:
    subscriptions = make_service(type="Subscriptions")
    with SMM(desk.api_url, alice.key) as client:
        first, second = (complete(client.add_order(generous, LINK, 100)["order"]) for _ in range(2))
        refill = client.create_refill(first)["refill"]
        assert client.get_refill_status(refill) == {"status": "Pending"}
        [one, other] = client.create_multi_refill([second, 0])
        assert other == {"order": 0, "refill": UNKNOWN}
        assert client.get_multi_refill_status([refill, one["refill"]]) == [
            {"refill": int(refill), "status": "Pending"},
            {"refill": one["refill"], "status": "Pending"},
        ]
        fed = client.add_order(generous, LINK, 100, runs=3, interval=60)["order"]
        assert client.cancel_orders([fed]) == [{"order": fed, "cancel": 1}]
        wanted = {"username": "alice", "min": 10, "max": 20, "posts": 5, "delay": 30, "expiry": "31/12/2099"}
        subscribed = client.get_status(client.add_order(subscriptions, **wanted)["order"])
        assert (subscribed["status"], subscribed["posts"], subscribed["expiry"]) == ("Active", "0", "31/12/2099")


def test_smmpy(desk: Desk, alice: Customer, service: int) -> None:
    client = SmmPy(desk.api_url, alice.key)
    assert any(each["service"] == service for each in client.get_services())
    order = client.add_order(service, LINK, 100)["order"]
    assert client.get_status(order) == ONE_ORDER
    assert client.get_multi_status([order, 0]) == {str(order): ONE_ORDER, "0": UNKNOWN}
    assert client.get_balance() == AFTER_ONE
    with pytest.raises(Exception, match="Incorrect service ID"):
        client.add_order(0, LINK, 100)


def test_smmpy_refills_cancels_and_feeds(
    desk: Desk, alice: Customer, generous: int, make_service: Any, complete: Callable[[int], int]
) -> None:
    client = SmmPy(desk.api_url, alice.key)
    first, second = (complete(client.add_order(generous, LINK, 100)["order"]) for _ in range(2))
    refill = client.create_refill(first)["refill"]
    assert client.get_refill_status(refill) == {"status": "Pending"}
    [one] = client.create_multi_refill([second])
    assert client.get_multi_refill_status([one["refill"]]) == [{"refill": one["refill"], "status": "Pending"}]
    fed = client.add_order(generous, LINK, 100, runs=2, interval=60)["order"]
    assert client.cancel_orders([fed]) == [{"order": fed, "cancel": 1}]
    comments = make_service(type="Custom Comments", min=1)
    assert client.get_status(client.add_order(comments, LINK, 0, comments="one\ntwo")["order"])["remains"] == "2"


@pytest.fixture
def lytics_url(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the client, which has its address built in, at the desk."""
    monkeypatch.setattr(lytics.main, "api_url", desk.api_url)


@pytest.mark.usefixtures("lytics_url")
def test_lytics_sends_json(alice: Customer, service: int, make_service: Any) -> None:
    client = Lytics(alice.key)
    assert any(each["service"] == service for each in json.loads(client.services()))
    order = client.order(service, link=LINK, quantity=100)["order"]
    assert client.status(order) == ONE_ORDER
    assert client.multi_status([order, 0]) == {str(order): ONE_ORDER, "0": UNKNOWN}
    assert client.balance() == AFTER_ONE
    comments = make_service(type="Custom Comments", min=1)
    written = client.order(comments, link=LINK, comments="good pic\ngreat photo\n:)\n;)")["order"]
    assert client.status(written)["remains"] == "4"


@pytest.mark.usefixtures("lytics_url")
def test_lytics_refills(alice: Customer, generous: int, complete: Callable[[int], int]) -> None:
    client = Lytics(alice.key)
    first, second = (complete(client.order(generous, link=LINK, quantity=100)["order"]) for _ in range(2))
    refill = client.refill(first)["refill"]
    [one] = client.multi_refill([second])
    assert client.refill_status(first) == {"status": "Pending"}  # it asks by `order`, whatever it is given
    assert client.multi_refill_status([first, second]) == [
        {"order": first, "refill": int(refill), "status": "Pending"},
        {"order": second, "refill": one["refill"], "status": "Pending"},
    ]


def test_optsmm_uses_get(desk: Desk, alice: Customer, service: int, generous: int) -> None:
    client = OptSMM(alice.key)
    client.base_url = desk.api_url

    async def use() -> None:
        assert any(each["service"] == service for each in await client.services())
        order = await client.create_order(service, LINK, 100)
        assert await client.order_status(order) == ONE_ORDER
        assert await client.balance() == (99.91, "USD")
        assert [each["service"] for each in await client.search_services("FOLLOWERS") if each["service"] == service]
        fed = await client.create_order(generous, LINK, 100, runs=2, interval=60)
        assert (await client.order_status(fed))["remains"] == "200"
        with pytest.raises(Exception, match="Incorrect order ID"):
            await client.order_status(0)

    asyncio.run(use())
