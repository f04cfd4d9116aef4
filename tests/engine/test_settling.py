"""Settling: which moves an order may make, and the money that each gives back, once."""

from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import MakeService, ask, balance, place_one, transfers
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import Status

PENDING, PROCESSING, IN_PROGRESS, COMPLETED, PARTIAL, CANCELED = list(Status)[:6]
ALLOWED = {
    PENDING: {PROCESSING, IN_PROGRESS, COMPLETED, PARTIAL, CANCELED},
    PROCESSING: {IN_PROGRESS, COMPLETED, PARTIAL, CANCELED},
    IN_PROGRESS: {PROCESSING, COMPLETED, PARTIAL, CANCELED},
    COMPLETED: {PARTIAL, CANCELED},
    PARTIAL: {CANCELED},
    CANCELED: set(),
}
PAIRS = [(was, to) for was in ALLOWED for to in Status if to is not was]


@pytest.fixture
def order(connection: psycopg.Connection, alice: Customer, service: int) -> int:
    """An order of Alice's for 100, which cost 0.09."""
    placed = place_one(connection, ask(alice, service))
    connection.commit()
    return placed.order


def tell(connection: psycopg.Connection, *reports: Report, actor: str = "test") -> list[SettleResult]:
    """Settle and commit."""
    outcomes = settle(connection, reports, actor=actor)
    connection.commit()
    return outcomes


def standing(connection: psycopg.Connection, order: int) -> tuple[object, ...] | None:
    query = "SELECT status, start_count, remains, refunded FROM orders_order WHERE id = %s"
    return connection.execute(query, [order]).fetchone()


def events(connection: psycopg.Connection, order: int) -> list[tuple[object, ...]]:
    query = "SELECT actor, from_status, to_status, note FROM orders_orderevent WHERE order_id = %s ORDER BY id"
    return connection.execute(query, [order]).fetchall()


@pytest.mark.parametrize(("was", "to"), [pair for pair in PAIRS if pair[1] in ALLOWED[pair[0]]])
def test_an_allowed_move_is_made_and_written_down(
    connection: psycopg.Connection, order: int, was: Status, to: Status
) -> None:
    settle(connection, [Report(order, was)], actor="test")
    assert tell(connection, Report(order, to, note="because")) == [SettleResult.SETTLED]

    assert (standing(connection, order) or [None])[0] == to
    assert events(connection, order)[-1] == ("test", was, to, "because")


@pytest.mark.parametrize(("was", "to"), [pair for pair in PAIRS if pair[1] not in ALLOWED[pair[0]]])
def test_a_forbidden_move_changes_nothing(connection: psycopg.Connection, order: int, was: Status, to: Status) -> None:
    settle(connection, [Report(order, was, start_count=1, remains=40)], actor="test")
    before = standing(connection, order), events(connection, order), transfers(connection, order)
    assert tell(connection, Report(order, to, start_count=2, remains=10)) == [SettleResult.NOT_ALLOWED]

    assert (standing(connection, order), events(connection, order), transfers(connection, order)) == before


@pytest.mark.parametrize("status", ALLOWED)
def test_a_repeated_report_changes_nothing(connection: psycopg.Connection, order: int, status: Status) -> None:
    report = Report(order, status, start_count=7, remains=40)
    tell(connection, report)
    before = standing(connection, order), events(connection, order), transfers(connection, order)

    assert tell(connection, report, report) == [SettleResult.UNCHANGED, SettleResult.UNCHANGED]
    assert (standing(connection, order), events(connection, order), transfers(connection, order)) == before


@pytest.mark.parametrize(
    ("rate", "quantity", "remains", "charge", "refund"),
    [
        ("0.90", 1000, 309, "0.9", "0.2781"),
        ("0.90", 1000, 0, "0.9", "0"),
        ("0.90", 1000, 1000, "0.9", "0.9"),
        ("1", 3, 1, "0.003", "0.001"),
        ("1", 7, 3, "0.007", "0.003"),
        ("0.01", 3, 1, "0.00003", "0.00001"),
        ("0.01", 2, 1, "0.00002", "0.00001"),
        ("0.0000001", 3, 1, "0.00001", "0"),
        ("0.0000001", 2, 1, "0.00001", "0.00001"),  # half of the smallest amount is rounded up
        ("7.7777777", 999, 500, "7.77", "3.88889"),
    ],
)
def test_a_partial_order_gives_back_its_undelivered_share(
    connection: psycopg.Connection,
    alice: Customer,
    make_service: MakeService,
    *,
    rate: str,
    quantity: int,
    remains: int,
    charge: str,
    refund: str,
) -> None:
    order = place_one(connection, ask(alice, make_service(rate=Decimal(rate), min=1), quantity=quantity)).order
    tell(connection, Report(order, PARTIAL, remains=remains))

    given_back = [("partial", Decimal(refund))] if Decimal(refund) else []
    assert transfers(connection, order) == [("charge", Decimal(charge)), *given_back]
    assert standing(connection, order) == (PARTIAL, None, remains, Decimal(refund))
    assert balance(connection, alice) == 100 - Decimal(charge) + Decimal(refund)


@pytest.mark.parametrize("was", [PENDING, PROCESSING, IN_PROGRESS, COMPLETED])
def test_a_canceled_order_is_refunded_in_full(
    connection: psycopg.Connection, alice: Customer, order: int, was: Status
) -> None:
    tell(connection, Report(order, was))
    tell(connection, Report(order, CANCELED))

    assert transfers(connection, order)[1:] == [("cancel", Decimal("0.09"))]
    assert balance(connection, alice) == 100


def test_a_partial_order_that_is_canceled_gives_back_the_rest(
    connection: psycopg.Connection, alice: Customer, order: int
) -> None:
    tell(connection, Report(order, PARTIAL, remains=33))
    tell(connection, Report(order, CANCELED))

    assert transfers(connection, order)[1:] == [("partial", Decimal("0.0297")), ("cancel", Decimal("0.0603"))]
    assert standing(connection, order) == (CANCELED, None, 33, Decimal("0.09"))
    assert balance(connection, alice) == 100


def test_a_partial_order_is_not_refunded_again_for_other_remains(
    connection: psycopg.Connection, alice: Customer, order: int
) -> None:
    tell(connection, Report(order, PARTIAL, remains=50))

    assert tell(connection, Report(order, PARTIAL, remains=90)) == [SettleResult.UNCHANGED]
    assert balance(connection, alice) == 100 - Decimal("0.045")


def test_a_package_is_given_back_whole_or_not_at_all(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    package = make_service(type="Package", rate=5)
    orders = [place_one(connection, ask(alice, package)).order for _ in range(2)]
    tell(connection, Report(orders[0], PARTIAL, remains=1), Report(orders[1], PARTIAL, remains=0))

    assert [transfers(connection, order)[1:] for order in orders] == [[("partial", Decimal(5))], []]


def test_a_free_order_is_canceled_without_a_transfer(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    order = place_one(connection, ask(alice, make_service(rate=0))).order

    assert tell(connection, Report(order, CANCELED)) == [SettleResult.SETTLED]
    assert transfers(connection, order) == []


def test_two_reports_on_one_order_are_taken_in_their_order(
    connection: psycopg.Connection, alice: Customer, order: int
) -> None:
    reports = [
        Report(order, IN_PROGRESS, start_count=500, remains=60),
        Report(order, PARTIAL, remains=25, note="ran dry"),
        Report(order, IN_PROGRESS, remains=10),
        Report(order, CANCELED),
        Report(order, CANCELED),
    ]
    settled, unchanged, forbidden = SettleResult.SETTLED, SettleResult.UNCHANGED, SettleResult.NOT_ALLOWED
    assert tell(connection, *reports) == [settled, settled, forbidden, settled, unchanged]

    assert standing(connection, order) == (CANCELED, 500, 25, Decimal("0.09"))
    assert transfers(connection, order)[1:] == [("partial", Decimal("0.0225")), ("cancel", Decimal("0.0675"))]
    assert events(connection, order) == [
        ("test", PENDING, IN_PROGRESS, ""),
        ("test", IN_PROGRESS, PARTIAL, "ran dry"),
        ("test", PARTIAL, CANCELED, ""),
    ]
    assert balance(connection, alice) == 100


@pytest.mark.parametrize(("told", "kept"), [(-1, 0), (0, 0), (100, 100), (101, 100), (2**70, 100), (None, 100)])
def test_what_remains_is_between_nothing_and_all(
    connection: psycopg.Connection, order: int, told: int | None, kept: int
) -> None:
    tell(connection, Report(order, PROCESSING, remains=told))

    assert standing(connection, order) == (PROCESSING, None, kept, 0)


def test_a_partial_order_never_gives_back_more_than_its_charge(
    connection: psycopg.Connection, alice: Customer, order: int
) -> None:
    tell(connection, Report(order, PARTIAL, remains=10**9))

    assert balance(connection, alice) == 100


@pytest.mark.parametrize(("status", "remains"), [(COMPLETED, 0), (CANCELED, 40), (PARTIAL, 40)])
def test_what_remains_when_the_last_report_does_not_say(
    connection: psycopg.Connection, order: int, status: Status, remains: int
) -> None:
    tell(connection, Report(order, IN_PROGRESS, remains=40))
    tell(connection, Report(order, status))

    assert (standing(connection, order) or [])[2] == remains


def test_progress_is_kept_without_an_event(connection: psycopg.Connection, order: int) -> None:
    tell(connection, Report(order, IN_PROGRESS, start_count=500, remains=90))

    assert tell(connection, Report(order, IN_PROGRESS, remains=80)) == [SettleResult.SETTLED]
    assert standing(connection, order) == (IN_PROGRESS, 500, 80, 0)
    assert len(events(connection, order)) == 1


def test_a_batch_settles_orders_of_many_customers_and_skips_what_it_does_not_know(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int
) -> None:
    of_bob, first, second = (
        place_one(connection, ask(who, service, quantity=quantity)).order
        for who, quantity in ((bob, 1000), (alice, 100), (alice, 200))
    )
    outcomes = tell(
        connection,
        *(Report(second, CANCELED), Report(0, CANCELED), Report(of_bob, PARTIAL, remains=500)),
        *(Report(first, CANCELED), Report(2**63 - 1, COMPLETED)),
    )

    settled, unknown = SettleResult.SETTLED, SettleResult.UNKNOWN
    assert outcomes == [settled, unknown, settled, settled, unknown]
    assert (balance(connection, alice), balance(connection, bob)) == (Decimal(100), Decimal("99.55"))


def test_an_empty_batch_has_no_outcomes(connection: psycopg.Connection) -> None:
    assert settle(connection, [], actor="test") == []


def test_nothing_is_kept_of_reports_that_are_not_committed(
    connection: psycopg.Connection, alice: Customer, order: int
) -> None:
    settle(connection, [Report(order, CANCELED)], actor="test")
    connection.rollback()

    assert standing(connection, order) == (PENDING, None, 100, 0)
    assert balance(connection, alice) == Decimal("99.91")
    assert tell(connection, Report(order, CANCELED)) == [SettleResult.SETTLED]
