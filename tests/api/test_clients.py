"""Five clients as their authors published them, each pointed at a running desk and at nothing else."""

import asyncio
import json
from typing import Any

import lytics.main
import pytest
from lytics import Lytics
from optsmm.optsmm import OptSMM
from safesmm import SafeSMM, SafeSMMError
from smm import SMM
from smm.client import SMMAPIError
from smmpy import smm as SmmPy  # noqa: N812

from tests.conftest import Customer, Desk

LINK = "https://pixelpond.example/client"
ONE_ORDER = {"charge": "0.09", "start_count": "0", "status": "Pending", "remains": "100", "currency": "USD"}
AFTER_ONE = {"balance": "99.91", "currency": "USD"}
UNKNOWN = {"error": "Incorrect order ID"}


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


def test_babismm(desk: Desk, alice: Customer, service: int) -> None:
    with SMM(desk.api_url, alice.key) as client:
        assert any(each["service"] == service for each in client.get_services())
        order = client.add_order(service, LINK, 100)["order"]
        assert client.get_status(order) == ONE_ORDER
        assert client.get_multi_status([order, 0]) == {str(order): ONE_ORDER, "0": UNKNOWN}
        assert client.get_balance() == AFTER_ONE
        with pytest.raises(SMMAPIError, match="Bad link"):
            client.add_order(service, quantity=100)


def test_smmpy(desk: Desk, alice: Customer, service: int) -> None:
    client = SmmPy(desk.api_url, alice.key)
    assert any(each["service"] == service for each in client.get_services())
    order = client.add_order(service, LINK, 100)["order"]
    assert client.get_status(order) == ONE_ORDER
    assert client.get_multi_status([order, 0]) == {str(order): ONE_ORDER, "0": UNKNOWN}
    assert client.get_balance() == AFTER_ONE
    with pytest.raises(Exception, match="Incorrect service ID"):
        client.add_order(0, LINK, 100)


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


def test_optsmm_uses_get(desk: Desk, alice: Customer, service: int) -> None:
    client = OptSMM(alice.key)
    client.base_url = desk.api_url

    async def use() -> None:
        assert any(each["service"] == service for each in await client.services())
        order = await client.create_order(service, LINK, 100)
        assert await client.order_status(order) == ONE_ORDER
        assert await client.balance() == (99.91, "USD")
        assert [each["service"] for each in await client.search_services("FOLLOWERS") if each["service"] == service]
        with pytest.raises(Exception, match="Incorrect order ID"):
            await client.order_status(0)

    asyncio.run(use())
