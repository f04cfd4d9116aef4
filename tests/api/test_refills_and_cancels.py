"""refill, refill_status and cancel (protocol §2 and §4)."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.api.calling import call, order
from tests.conftest import Customer, Desk
from tradepost.engine.keys import Scope
from tradepost.engine.refilling import RefillReport, settle_refills
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import RefillStatus, Status
from tradepost.orders.models import CancelRequest, Order, OrderEvent, Refill

NOT_ELIGIBLE = {"error": "You are not eligible to send refill request."}
NOT_CANCELABLE = {"error": "You are not eligible to cancel this order."}
UNKNOWN = {"error": "Incorrect order ID"}


@pytest.fixture
def generous(make_service: Any) -> int:
    """A service with refill, for 30 days and without a wait, and with cancel."""
    return int(make_service(refill=True, cancel=True))


def report(connection: psycopg.Connection, *reports: Report) -> None:
    """Let whoever fulfils orders tell how they stand."""
    settle(connection, reports, actor="test")
    connection.commit()


def complete(connection: psycopg.Connection, *orders: int) -> None:
    """Let orders be completed."""
    report(connection, *(Report(each, Status.COMPLETED) for each in orders))


def completed_ago(connection: psycopg.Connection, order: int, ago: timedelta) -> None:
    """Let an order have been completed in the past."""
    complete(connection, order)
    event = OrderEvent.objects.get(order_id=order, to_status="Completed")
    connection.execute("SET LOCAL session_replication_role = replica")  # events are append-only
    connection.execute("UPDATE orders_orderevent SET at = at - %s WHERE id = %s", [ago, event.pk])
    connection.commit()


def test_a_completed_order_is_refilled(
    desk: Desk, alice: Customer, generous: int, connection: psycopg.Connection
) -> None:
    placed = order(desk, alice, generous)
    complete(connection, placed)
    answer = call(desk, alice, "refill", order=placed)
    refill = Refill.objects.get(order_id=placed)
    assert answer == {"refill": str(refill.pk)}
    assert call(desk, alice, "refill_status", refill=refill.pk) == {"status": "Pending"}
    assert call(desk, alice, "refill_status", order=placed) == {"status": "Pending"}


def test_many_refills_are_answered_each_for_itself(
    desk: Desk, alice: Customer, generous: int, service: int, connection: psycopg.Connection
) -> None:
    good, pending, without = order(desk, alice, generous), order(desk, alice, generous), order(desk, alice, service)
    complete(connection, good, without)
    answers = call(desk, alice, "refill", orders=f"{good},{pending},{without},{good},x")
    assert answers == [
        {"order": good, "refill": Refill.objects.get(order_id=good).pk},
        {"order": pending, "refill": NOT_ELIGIBLE},
        {"order": without, "refill": {"error": "Refill is not available for this service"}},
        {"order": good, "refill": NOT_ELIGIBLE},
        {"order": "x", "refill": UNKNOWN},
    ]


def test_one_refill_is_open_at_a_time(
    desk: Desk, alice: Customer, generous: int, connection: psycopg.Connection
) -> None:
    placed = order(desk, alice, generous)
    complete(connection, placed)
    refill = int(call(desk, alice, "refill", order=placed)["refill"])
    assert call(desk, alice, "refill", order=placed) == NOT_ELIGIBLE
    for status in (RefillStatus.IN_PROGRESS, RefillStatus.COMPLETED):
        assert settle_refills(connection, [RefillReport(refill, status)]) == 1
        connection.commit()
        assert call(desk, alice, "refill_status", refill=refill) == {"status": status.value}
    assert settle_refills(connection, [RefillReport(refill, RefillStatus.REJECTED)]) == 0
    assert call(desk, alice, "refill", order=placed).keys() == {"refill"}


@pytest.mark.parametrize(
    ("days", "wait_hours", "completed_days_ago", "eligible"),
    [(30, 0, 29, True), (30, 0, 31, False), (0, 0, 5000, True), (30, 24, 0.9, False), (30, 24, 1.1, True)],
)
def test_a_refill_is_neither_too_early_nor_too_late(
    desk: Desk, alice: Customer, make_service: Any, connection: psycopg.Connection, *,
    days: int, wait_hours: int, completed_days_ago: float, eligible: bool,
) -> None:  # fmt: skip
    service = make_service(refill=True, refill_days=days, refill_wait_hours=wait_hours)
    placed = order(desk, alice, service)
    completed_ago(connection, placed, timedelta(days=completed_days_ago))
    answer = call(desk, alice, "refill", order=placed)
    assert (answer != NOT_ELIGIBLE) == eligible


def test_bob_neither_refills_nor_cancels_what_is_of_alice(
    desk: Desk, alice: Customer, bob: Customer, generous: int, connection: psycopg.Connection
) -> None:
    hers, open_one = order(desk, alice, generous), order(desk, alice, generous)
    complete(connection, hers)
    refill = call(desk, alice, "refill", order=hers)["refill"]
    assert call(desk, bob, "refill", order=hers) == UNKNOWN == call(desk, bob, "refill", order=2**50)
    assert call(desk, bob, "cancel", order=open_one) == [{"order": open_one, "cancel": UNKNOWN}]
    not_found = {"error": "Refill not found"}
    assert call(desk, bob, "refill_status", refill=refill) == not_found
    assert call(desk, bob, "refill_status", order=hers) == not_found
    assert call(desk, bob, "refill_status", refills=f"{refill},7777777") == [
        {"refill": int(refill), "status": not_found},
        {"refill": 7777777, "status": not_found},
    ]


def test_an_order_that_has_not_left_is_canceled_and_refunded_at_once(
    desk: Desk, alice: Customer, generous: int
) -> None:
    placed = order(desk, alice, generous)
    assert call(desk, alice, "cancel", orders=placed) == [{"order": placed, "cancel": 1}]
    status = call(desk, alice, "status", order=placed)
    assert (status["status"], status["charge"], status["remains"]) == ("Canceled", "0.00", "100")
    assert call(desk, alice, "balance")["balance"] == "100.00"
    assert call(desk, alice, "cancel", order=placed) == [{"order": placed, "cancel": NOT_CANCELABLE}]


def test_an_order_that_has_left_gets_a_cancel_request_that_is_settled_with_it(
    desk: Desk, alice: Customer, generous: int, connection: psycopg.Connection
) -> None:
    stopped, delivered = order(desk, alice, generous), order(desk, alice, generous)
    report(connection, Report(stopped, Status.IN_PROGRESS), Report(delivered, Status.IN_PROGRESS))
    accepted = [{"order": stopped, "cancel": 1}, {"order": delivered, "cancel": 1}]
    assert call(desk, alice, "cancel", orders=f"{stopped},{delivered}") == accepted
    assert call(desk, alice, "cancel", orders=f"{stopped}") == [{"order": stopped, "cancel": NOT_CANCELABLE}]
    assert Order.objects.get(pk=stopped).status == "In progress"
    report(connection, Report(stopped, Status.PARTIAL, remains=40), Report(delivered, Status.COMPLETED))
    states = dict(CancelRequest.objects.filter(account=alice.id).values_list("order_id", "state"))
    assert states == {stopped: "accepted", delivered: "rejected"}


def test_cancel_is_always_answered_with_an_array(desk: Desk, alice: Customer, service: int) -> None:
    without = order(desk, alice, service)
    assert call(desk, alice, "cancel", orders=f"{without},x,0") == [
        {"order": without, "cancel": NOT_CANCELABLE},
        {"order": "x", "cancel": UNKNOWN},
        {"order": 0, "cancel": UNKNOWN},
    ]


@pytest.mark.parametrize("action", ["refill", "refill_status", "cancel"])
def test_ids_are_needed_and_at_most_100(desk: Desk, alice: Customer, action: str) -> None:
    for ids in ({}, {"orders": ","}, {"orders": ",".join(["1"] * 101)}):
        assert call(desk, alice, action, **ids) == {"error": "Incorrect request"}


def test_a_key_that_may_only_read_neither_refills_nor_cancels(desk: Desk, make_customer: Any) -> None:
    reader = make_customer(scope=Scope.READ)
    for action in ("refill", "cancel"):
        assert call(desk, reader, action, order=1) == {"error": "Invalid API key"}
    assert call(desk, reader, "refill_status", order=1) == {"error": "Refill not found"}
