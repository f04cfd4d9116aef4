"""Who may place an order: keys by scope, network and revocation, accounts while they are not suspended."""

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import MakeCustomer, ask, place_one, refuse_one
from tradepost.accounts import keys
from tradepost.accounts.models import Account, Key
from tradepost.engine.keys import Scope, digest
from tradepost.engine.placing import OrderRequest

INVALID = "Invalid API key"


def test_a_key_nobody_has_is_invalid(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    for unknown in (b"", b"\x00" * 32, alice.digest[:-1], alice.digest + b"\x00"):
        assert refuse_one(connection, ask(alice._replace(digest=unknown), service)) == INVALID


def test_a_key_that_may_only_read_does_not_order(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int
) -> None:
    assert refuse_one(connection, ask(make_customer(scope=Scope.READ), service)) == INVALID


@pytest.mark.parametrize(
    ("address", "may"), [("203.0.113.7", True), ("198.51.100.1", False), ("2001:db8::7", True), (None, False)]
)
def test_a_key_bound_to_networks_orders_from_there_only(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int, address: str | None, may: bool
) -> None:
    customer = make_customer(networks=["203.0.113.0/24", "2001:db8::/32"])
    asked = ask(customer, service)
    request = OrderRequest(asked.buyer, asked.parameters, address)
    if may:
        assert place_one(connection, request)
    else:
        assert refuse_one(connection, request) == INVALID


def test_a_revoked_key_is_refused_from_the_next_batch_on(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    place_one(connection, ask(alice, service))
    assert keys.revoke(Key.objects.get(account_id=alice.id).pk)

    assert refuse_one(connection, ask(alice, service)) == INVALID
    assert place_one(connection, ask(alice.id, service)), "the account itself may still order"


def test_another_key_of_the_account_outlives_a_revoked_one(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    keys.revoke(Key.objects.get(account_id=alice.id).pk)
    text = keys.create(Account.objects.get(pk=alice.id))

    assert place_one(connection, ask(alice._replace(digest=digest(text)), service))


def test_a_suspended_account_orders_neither_by_key_nor_signed_in(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int
) -> None:
    place_one(connection, ask(alice, service))
    Account.objects.filter(pk=alice.id).update(is_active=False)

    assert refuse_one(connection, ask(alice, service)) == INVALID
    assert refuse_one(connection, ask(alice.id, service)) == INVALID
    assert place_one(connection, ask(bob, service))
    Account.objects.filter(pk=alice.id).update(is_active=True)
    assert place_one(connection, ask(alice, service))


def test_an_account_that_is_not_there_orders_nothing(connection: psycopg.Connection, service: int) -> None:
    assert refuse_one(connection, ask(0, service)) == INVALID


def test_a_key_pays_from_its_own_account(
    connection: psycopg.Connection, alice: Customer, make_customer: MakeCustomer, service: int
) -> None:
    poor = make_customer("0")

    assert refuse_one(connection, ask(poor, service)) == "Not enough funds on balance"
    assert place_one(connection, ask(alice, service))
