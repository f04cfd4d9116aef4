"""The actions, by their answers (protocol §2 to §4) and the published documentation's examples."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.api.calling import LINK, call, order
from tests.conftest import Customer, Desk
from tradepost.accounts import keys
from tradepost.accounts.models import Account, Key
from tradepost.catalog.models import CustomRate, Service


def test_services_have_the_documented_fields_and_types(desk: Desk, alice: Customer, service: int) -> None:
    found = next(each for each in call(desk, alice, "services") if each["service"] == service)
    assert found == {
        "service": service,
        "name": "Followers",
        "type": "Default",
        "category": "Tests",
        "rate": "0.90",
        "min": "10",
        "max": "10000",
        "refill": False,
        "cancel": False,
        "dripfeed": False,
        "description": "",
        "average_time": "",
    }


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


def test_each_account_sees_and_pays_its_own_rate(desk: Desk, alice: Customer, bob: Customer, service: int) -> None:
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=Decimal("0.5"))
    rates = {
        customer.email: next(s["rate"] for s in call(desk, customer, "services") if s["service"] == service)
        for customer in (alice, bob)
    }
    assert rates == {alice.email: "0.50", bob.email: "0.90"}
    for customer in (alice, bob):
        order(desk, customer, service, quantity=1000)
    assert [call(desk, customer, "balance")["balance"] for customer in (alice, bob)] == ["99.50", "99.10"]


def test_an_order_lowers_the_balance_by_its_charge(desk: Desk, alice: Customer, service: int) -> None:
    placed = order(desk, alice, service, quantity=309)
    assert call(desk, alice, "status", order=placed) == {
        "charge": "0.2781",
        "start_count": "0",
        "status": "Pending",
        "remains": "309",
        "currency": "USD",
    }
    assert call(desk, alice, "balance") == {"balance": "99.7219", "currency": "USD"}


@pytest.mark.parametrize(
    "spelling",
    [
        lambda a, b: {"orders": f"{a},{b}"},
        lambda a, b: {"orders": f" {a} , {b} ,"},
        lambda a, b: {"order": f"{a},{b}"},
        lambda a, b: {"orders[]": [a, b]},
        lambda a, b: {"orders[0]": a, "orders[1]": b},
    ],
)
def test_a_list_of_ids_is_read_in_every_spelling(
    desk: Desk, alice: Customer, service: int, spelling: Callable[[int, int], dict[str, Any]]
) -> None:
    first, second = order(desk, alice, service), order(desk, alice, service)
    statuses = call(desk, alice, "status", **spelling(first, second))
    assert list(statuses) == [str(first), str(second)]
    assert statuses[str(first)]["status"] == "Pending"


def test_many_statuses_are_keyed_by_the_ids_as_they_were_sent(desk: Desk, alice: Customer, service: int) -> None:
    placed = order(desk, alice, service)
    statuses = call(desk, alice, "status", orders=f"0{placed},x,999999999999999999999999,{placed}")
    assert statuses[f"0{placed}"]["status"] == statuses[str(placed)]["status"] == "Pending"
    assert statuses["x"] == statuses["999999999999999999999999"] == {"error": "Incorrect order ID"}


def test_bob_never_sees_an_order_of_alice(desk: Desk, alice: Customer, bob: Customer, service: int) -> None:
    hers, his = order(desk, alice, service), order(desk, bob, service)
    unknown = {"error": "Incorrect order ID"}
    assert call(desk, bob, "status", order=hers) == unknown == call(desk, bob, "status", order=2**40)
    both = call(desk, bob, "status", orders=f"{hers},{his}")
    assert both[str(hers)] == unknown
    assert both[str(his)]["status"] == "Pending"


@pytest.mark.parametrize("count", [1, 100])
def test_up_to_100_ids_are_answered(desk: Desk, alice: Customer, count: int) -> None:
    assert len(call(desk, alice, "status", orders=",".join(map(str, range(1, count + 1))))) == count


@pytest.mark.parametrize(
    "parameters",
    [{}, {"order": ""}, {"orders": ","}, {"orders": ",".join(map(str, range(101)))}],
)
def test_a_list_of_ids_that_is_missing_or_too_long_is_an_incorrect_request(
    desk: Desk, alice: Customer, parameters: dict[str, str]
) -> None:
    assert call(desk, alice, "status", **parameters) == {"error": "Incorrect request"}


@pytest.mark.parametrize("action", ["", "order", "BALANCE", "undefined"])
def test_an_unknown_action_is_an_incorrect_request(desk: Desk, alice: Customer, action: str) -> None:
    assert call(desk, alice, action) == {"error": "Incorrect request"}


@pytest.mark.parametrize("action", ["add", "balance", "services", "status", "nonsense", ""])
def test_the_key_is_checked_first(desk: Desk, action: str) -> None:
    assert call(desk, "tp_live_wrong", action) == {"error": "Invalid API key"}


def test_errors_are_checked_in_the_documented_order(desk: Desk, alice: Customer, service: int) -> None:
    good: dict[str, Any] = {"service": service, "link": LINK, "quantity": 100}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"service": 2**40, "link": "", "quantity": 1}, "Incorrect service ID"),
        ({"link": "", "quantity": 1}, "Bad link"),
        ({"quantity": "ten"}, "Incorrect quantity"),
        ({"quantity": 9}, "Quantity less than minimal 10"),
        ({"quantity": 10_001}, "Quantity more than maximum 10000"),
    ]
    for parameters, error in wrong:
        assert call(desk, alice, "add", **{**good, **parameters}) == {"error": error}
    assert call(desk, alice, "balance")["balance"] == "100.00"


def test_an_order_beyond_the_balance_is_refused(desk: Desk, make_customer: Any, service: int) -> None:
    poor = make_customer("0.08999")
    assert call(desk, poor, "add", service=service, link=LINK, quantity=100) == {"error": "Not enough funds on balance"}
    order(desk, poor, service, quantity=99)


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


def test_a_revoked_key_is_refused_from_the_next_request_on(desk: Desk, alice: Customer, service: int) -> None:
    order(desk, alice, service)
    assert keys.revoke(Key.objects.get(account_id=alice.id).pk)
    for action in ("balance", "services", "status", "add"):
        refused = call(desk, alice, action, service=service, link=LINK, quantity=100, order=1)
        assert refused == {"error": "Invalid API key"}


def test_when_a_key_was_last_used_is_written_down(desk: Desk, alice: Customer) -> None:
    assert Key.objects.get(account_id=alice.id).last_used_at is None
    call(desk, alice, "balance")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and Key.objects.get(account_id=alice.id).last_used_at is None:
        time.sleep(0.2)
    assert Key.objects.get(account_id=alice.id).last_used_at


def test_a_suspended_account_is_refused(desk: Desk, alice: Customer) -> None:
    Account.objects.filter(pk=alice.id).update(is_active=False)
    assert call(desk, alice, "balance") == {"error": "Invalid API key"}


def test_a_key_works_only_from_its_networks(desk: Desk, make_customer: Any) -> None:
    assert call(desk, make_customer(networks=["127.0.0.0/8"]), "balance")["balance"] == "100.00"
    assert call(desk, make_customer(networks=["10.0.0.0/8"]), "balance") == {"error": "Invalid API key"}


def test_a_success_never_has_an_error_key(desk: Desk, alice: Customer, service: int) -> None:
    placed = order(desk, alice, service)
    assert "error" not in call(desk, alice, "balance")
    assert "error" not in call(desk, alice, "status", order=placed)
