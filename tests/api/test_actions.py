"""The actions where it takes more than a request and its answer; the protocol's rules are cases of `tests/wire`."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.api.api_calls import LINK, call, order
from tests.conftest import Customer, Desk
from tests.waiting import until
from tradepost.accounts.models import Key
from tradepost.catalog.models import Service


def test_a_price_change_shows_at_once(desk: Desk, alice: Customer, service: int) -> None:
    assert any(each["service"] == service for each in call(desk, alice, "services"))
    Service.objects.filter(pk=service).update(rate=Decimal("1.2345678"))
    found = next(each for each in call(desk, alice, "services") if each["service"] == service)
    assert found["rate"] == "1.2345678"
    order(desk, alice, service, quantity=1000)
    assert call(desk, alice, "balance")["balance"] == "98.76543"


def test_a_service_taken_off_sale_is_gone_at_once(desk: Desk, alice: Customer, service: int) -> None:
    order(desk, alice, service)
    Service.objects.filter(pk=service).update(is_active=False)
    assert not any(each["service"] == service for each in call(desk, alice, "services"))
    refused = call(desk, alice, "add", service=service, link=LINK, quantity=100)
    assert refused == {"error": "Incorrect service ID"}


@pytest.mark.parametrize("count", [1, 100])
def test_up_to_100_ids_are_answered(desk: Desk, alice: Customer, count: int) -> None:
    assert len(call(desk, alice, "status", orders=",".join(map(str, range(1, count + 1))))) == count


def test_of_64_parallel_adds_on_a_balance_for_one_exactly_one_is_placed(
    desk: Desk, make_customer: Any, service: int
) -> None:
    poor = make_customer("0.09")
    with ThreadPoolExecutor(64) as pool:
        asked = [pool.submit(call, desk, poor, "add", service=service, link=LINK, quantity=100) for _ in range(64)]
        answers = [each.result() for each in asked]
    assert answers.count({"error": "Not enough funds on balance"}) == 63
    assert sum("order" in answer for answer in answers) == 1
    assert call(desk, poor, "balance")["balance"] == "0.00"


def test_when_a_key_was_last_used_is_written_down(desk: Desk, alice: Customer) -> None:
    assert Key.objects.get(account_id=alice.id).last_used_at is None
    call(desk, alice, "balance")
    until(lambda: Key.objects.get(account_id=alice.id).last_used_at, "the key's use is written down")
