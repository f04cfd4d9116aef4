"""Test keys: everything works as with a live key, for play money and on orders of its own."""

import psycopg
import pytest

from tests.api.api_calls import LINK, call, order
from tests.conftest import Customer, Desk
from tests.engine.engine_calls import MakeService, value
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.catalog.models import CustomRate
from tradepost.ledger.models import LedgerAccount, Transfer
from tradepost.orders.models import Order

pytestmark = pytest.mark.usefixtures("workers_at_rest")  # what is ordered here stays as it is: it is simulated

PLAY = {"balance": "10000.00", "currency": "USD"}


@pytest.fixture
def testing(alice: Customer) -> Customer:
    """Alice, by a key for tests."""
    return alice._replace(key=keys.create(Account.objects.get(pk=alice.id), test=True))


def test_a_test_key_spends_play_money_only(desk: Desk, alice: Customer, testing: Customer, service: int) -> None:
    assert testing.key.startswith("tp_test_")
    assert call(desk, testing, "balance") == PLAY
    order(desk, testing, service, quantity=1000)
    assert call(desk, testing, "balance")["balance"] == "9999.10"
    assert call(desk, alice, "balance")["balance"] == "100.00"


def test_play_money_never_reaches_the_houses_real_accounts(desk: Desk, testing: Customer, service: int) -> None:
    placed = order(desk, testing, service)
    [transfer] = Transfer.objects.filter(order=placed)
    assert (transfer.debit.is_play, transfer.credit.name) == (True, "Play money")


def test_live_orders_and_test_orders_never_meet(desk: Desk, alice: Customer, testing: Customer, service: int) -> None:
    live, test = order(desk, alice, service), order(desk, testing, service)
    unknown = {"error": "Incorrect order ID"}
    for customer, own, other in ((alice, live, test), (testing, test, live)):
        assert call(desk, customer, "status", order=own)["charge"] == "0.09"
        assert call(desk, customer, "status", order=other) == unknown
        assert call(desk, customer, "refill", order=other) == unknown
        assert call(desk, customer, "cancel", order=other) == [{"order": other, "cancel": unknown}]
        assert [each["order"] for each in call(desk, customer, "orders")] == [own]


def test_the_same_idempotency_key_is_two_orders(desk: Desk, alice: Customer, testing: Customer, service: int) -> None:
    first = order(desk, alice, service, idempotency_key="one")
    assert order(desk, testing, service, idempotency_key="one") != first


def test_a_test_key_pays_the_accounts_own_rates(desk: Desk, alice: Customer, testing: Customer, service: int) -> None:
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=2)
    [found] = [each for each in call(desk, testing, "services") if each["service"] == service]
    assert found["rate"] == "2.00"
    order(desk, testing, service, quantity=1000)
    assert call(desk, testing, "balance")["balance"] == "9998.00"


def test_a_test_key_is_suspended_and_revived_along_with_its_account(
    desk: Desk, alice: Customer, testing: Customer
) -> None:
    Account.objects.filter(pk=alice.id).update(is_active=False)
    assert call(desk, testing, "balance") == {"error": "Invalid API key"}
    Account.objects.filter(pk=alice.id).update(is_active=True)
    assert call(desk, testing, "balance") == PLAY


def test_a_duplicate_window_is_the_accounts(desk: Desk, alice: Customer, testing: Customer, service: int) -> None:
    Account.objects.filter(pk=alice.id).update(duplicate_window_seconds=60)
    assert order(desk, testing, service) == order(desk, testing, service) != order(desk, alice, service)


def test_one_active_order_a_link_is_counted_apart(
    desk: Desk, alice: Customer, testing: Customer, make_service: MakeService
) -> None:
    service = make_service(one_order_per_link=True)
    order(desk, alice, service)
    order(desk, testing, service)
    refused = call(desk, testing, "add", service=service, link=LINK, quantity=100)
    assert refused["error"].startswith("You have active order")


def test_each_test_key_fills_the_play_balance_up(desk: Desk, testing: Customer, service: int) -> None:
    order(desk, testing, service, quantity=10_000)
    assert call(desk, testing, "balance")["balance"] == "9991.00"
    keys.create(Account.objects.get(pk=testing.id), test=True)
    assert call(desk, testing, "balance") == PLAY


def test_an_account_has_one_test_account_which_nobody_signs_in_to(
    testing: Customer, connection: psycopg.Connection
) -> None:
    keys.create(Account.objects.get(pk=testing.id), test=True)
    [test] = Account.objects.filter(test_of=testing.id)
    assert (test.email, str(test)) == (None, f"{testing.email} (test)")
    assert not test.has_usable_password()
    assert LedgerAccount.objects.get(account=test).is_play
    assert value(connection, "SELECT count(*) FROM accounts_key WHERE account_id = %s", test.pk) == 2
    assert keys.owned_by(Account.objects.get(pk=testing.id)).count() == 3


def test_play_orders_are_nobodys_in_the_figures_of_the_day(desk: Desk, testing: Customer, service: int) -> None:
    from tradepost.backoffice import dashboard

    placed = order(desk, testing, service)
    assert Order.objects.filter(pk=placed).exists()
    assert not dashboard._customer_orders().filter(pk=placed).exists()
