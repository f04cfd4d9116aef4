"""The ledger: what moves money, and what the database refuses whoever asks."""

from decimal import Decimal

import psycopg
import pytest
from psycopg import errors

from tests.conftest import Customer
from tests.engine.engine_calls import MakeCustomer, ask, balance, place_one, value
from tradepost.engine import ledger
from tradepost.engine.errors import NotEnoughFunds
from tradepost.engine.ledger import Movement, SystemAccount, TransferKind
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status

NEVER_DELETED = ["accounts_account", "accounts_key", "catalog_service", "ledger_account", "orders_order"]
APPEND_ONLY = ["ledger_transfer", "orders_orderevent"]
CENT = Decimal("0.01")


@pytest.fixture
def order(connection: psycopg.Connection, alice: Customer, service: int) -> int:
    """An order of Alice's, completed, so that every table has a row of hers."""
    placed = place_one(connection, ask(alice, service))
    settle(connection, [Report(placed.order, Status.COMPLETED)], actor="test")
    connection.commit()
    return placed.order


@pytest.mark.parametrize("table", NEVER_DELETED + APPEND_ONLY)
@pytest.mark.usefixtures("order")
def test_what_the_books_stand_on_is_never_deleted(connection: psycopg.Connection, table: str) -> None:
    for statement in (f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(errors.RestrictViolation, match="is never allowed"):
            connection.execute(statement)
        connection.rollback()


@pytest.mark.parametrize(
    "change",
    [
        "ledger_transfer SET amount = amount + 1",
        "ledger_transfer SET note = 'another'",
        "orders_orderevent SET actor = 'another'",
    ],
)
def test_what_has_happened_is_never_changed(connection: psycopg.Connection, order: int, change: str) -> None:
    with pytest.raises(errors.RestrictViolation, match=r"UPDATE of .* is never allowed"):
        connection.execute(f"UPDATE {change} WHERE order_id = %s", [order])


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("balance = -0.00001", "ledger_account_within_credit"),
        ("credit_limit = 5, balance = -5.00001", "ledger_account_within_credit"),
        ("credit_limit = -1", "ledger_account_credit_not_negative"),
        ("balance = NULL", "ledger_account_customer_or_house"),
        ("account_id = NULL", "ledger_account_customer_or_house"),
        ("id = 999", "ledger_account_customer_or_house"),
    ],
)
def test_the_database_refuses_an_account_that_can_not_be(
    connection: psycopg.Connection, alice: Customer, change: str, constraint: str
) -> None:
    with pytest.raises(errors.CheckViolation, match=constraint):
        connection.execute(f"UPDATE ledger_account SET {change} WHERE account_id = %s", [alice.id])


@pytest.mark.parametrize(
    ("amount", "sides", "kind", "constraint"),
    [
        ("-1", (2, 1), "top-up", "transfer_amount_positive"),
        ("0", (2, 1), "top-up", "transfer_amount_positive"),
        ("0.000001", (2, 1), "top-up", "transfer_amount_positive"),
        ("1", (2, 2), "top-up", "transfer_between_two"),
        ("1", (2, 1), "present", "transfer_kind_known"),
    ],
)
def test_the_database_refuses_a_transfer_that_can_not_be(
    connection: psycopg.Connection, amount: str, sides: tuple[int, int], kind: str, constraint: str
) -> None:
    with pytest.raises(errors.CheckViolation, match=constraint):
        connection.execute(
            "INSERT INTO ledger_transfer (debit_id, credit_id, amount, balance_after, kind, actor)"
            " VALUES (%s, %s, %s, 0, %s, 'test')",
            [*sides, amount, kind],
        )


@pytest.mark.parametrize("kind", [TransferKind.CHARGE, TransferKind.PARTIAL, TransferKind.CANCEL])
def test_an_order_is_charged_once_and_refunded_once_of_each_kind(
    connection: psycopg.Connection, alice: Customer, service: int, kind: TransferKind
) -> None:
    order = place_one(connection, ask(alice, service)).order
    account = ledger.lock(connection, [alice.id])[alice.id]
    movement = Movement(account, SystemAccount.SALES, CENT, kind, order)
    if kind is not TransferKind.CHARGE:
        ledger.post(connection, [movement], actor="test")

    with pytest.raises(errors.UniqueViolation, match="transfer_once_per_order"):
        ledger.post(connection, [movement], actor="test")


def test_the_database_has_the_last_word_on_a_balance(connection: psycopg.Connection, alice: Customer) -> None:
    account = ledger.lock(connection, [alice.id])[alice.id]
    movement = Movement(account, SystemAccount.SALES, Decimal("-100.00001"), TransferKind.ADJUSTMENT)

    with pytest.raises(errors.CheckViolation, match="ledger_account_within_credit"):
        ledger.post(connection, [movement], actor="test")


def test_every_account_has_its_ledger_account_from_the_start(
    connection: psycopg.Connection, make_customer: MakeCustomer
) -> None:
    customer = make_customer("0")

    row = connection.execute(
        "SELECT balance, credit_limit, id >= 1000 FROM ledger_account WHERE account_id = %s", [customer.id]
    ).fetchall()
    assert row == [(0, 0, True)]


def test_the_house_has_its_accounts(connection: psycopg.Connection) -> None:
    rows = connection.execute("SELECT id FROM ledger_account WHERE account_id IS NULL").fetchall()

    assert {id_ for (id_,) in rows} == set(SystemAccount)


def test_a_top_up_adds_funds(connection: psycopg.Connection, alice: Customer) -> None:
    after = ledger.top_up(connection, alice.id, Decimal("12.34567"), actor="gateway", note="payment 7")
    connection.commit()

    assert after == balance(connection, alice) == Decimal("112.34567")
    assert _last_transfer(connection, alice) == (2, "top-up", Decimal("12.34567"), after, "gateway", "payment 7")


def correct(connection: psycopg.Connection, customer: Customer, amount: Decimal, *, note: str) -> Decimal:
    """Correct a balance and return the new one."""
    kind = TransferKind.ADJUSTMENT
    ledger.pay(connection, customer.id, amount, SystemAccount.ADJUSTMENTS, kind, actor="charlie", note=note)
    return balance(connection, customer)


def test_an_adjustment_goes_up_and_down(connection: psycopg.Connection, alice: Customer) -> None:
    assert correct(connection, alice, Decimal(5), note="sorry") == 105
    assert correct(connection, alice, Decimal(-105), note="closed") == 0
    connection.commit()

    assert balance(connection, alice) == 0
    assert _last_transfer(connection, alice) == (3, "adjustment", 105, 0, "charlie", "closed")


def test_an_adjustment_stops_at_the_credit_limit(connection: psycopg.Connection, alice: Customer) -> None:
    connection.execute("UPDATE ledger_account SET credit_limit = 10 WHERE account_id = %s", [alice.id])
    with pytest.raises(NotEnoughFunds):
        correct(connection, alice, Decimal("-110.00001"), note="too much")
    assert balance(connection, alice) == 100

    assert correct(connection, alice, Decimal(-110), note="all") == -10
    connection.commit()


def test_movements_follow_each_other_in_their_order(
    connection: psycopg.Connection, alice: Customer, bob: Customer
) -> None:
    locked = ledger.lock(connection, [bob.id, alice.id, bob.id])
    amounts = [(alice, "1"), (bob, "-2"), (alice, "-101"), (alice, "0.5"), (bob, "7")]
    movements = [
        Movement(locked[who.id], SystemAccount.ADJUSTMENTS, Decimal(amount), TransferKind.ADJUSTMENT)
        for who, amount in amounts
    ]
    ledger.post(connection, movements, actor="test")
    connection.commit()

    rows = connection.execute(
        "SELECT account_id, balance_after FROM ledger_transfer t JOIN ledger_account l ON l.id IN (debit_id, credit_id)"
        " WHERE kind = 'adjustment' AND account_id = ANY(%s) ORDER BY t.id",
        [[alice.id, bob.id]],
    ).fetchall()
    afters = [(alice, "101"), (bob, "98"), (alice, "0"), (alice, "0.5"), (bob, "105")]
    assert rows == [(who.id, Decimal(after)) for who, after in afters]
    assert (balance(connection, alice), balance(connection, bob)) == (Decimal("0.5"), Decimal(105))


def test_no_movements_are_no_work(connection: psycopg.Connection, alice: Customer) -> None:
    ledger.post(connection, [], actor="test")

    assert balance(connection, alice) == 100


def test_locking_tells_of_accounts_that_are_there(connection: psycopg.Connection, alice: Customer) -> None:
    assert ledger.lock(connection, [0, alice.id, 2**63 - 1]).keys() == {alice.id}
    assert value(connection, "SELECT count(*) FROM ledger_account WHERE account_id = 0") == 0


def _last_transfer(connection: psycopg.Connection, customer: Customer) -> tuple[object, ...] | None:
    """Return the house's side, kind, amount, balance after, actor and note of a customer's last transfer."""
    return connection.execute(
        "SELECT least(debit_id, credit_id), kind, amount, balance_after, actor, t.note"
        " FROM ledger_transfer t JOIN ledger_account l ON l.id IN (debit_id, credit_id)"
        " WHERE account_id = %s ORDER BY t.id DESC LIMIT 1",
        [customer.id],
    ).fetchone()
