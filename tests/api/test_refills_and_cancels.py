"""What cases of the wire can't say of refills and cancels: time, and what is written down of them."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.api.api_calls import call, order
from tests.conftest import Customer, Desk
from tradepost.engine.refilling import RefillReport, settle_refills
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import RefillStatus, Status
from tradepost.orders.models import CancelRequest, Order, OrderEvent

NOT_ELIGIBLE = {"error": "You are not eligible to send refill request."}
NOT_CANCELABLE = {"error": "You are not eligible to cancel this order."}


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


def test_a_refill_that_is_over_stays_as_it_is(
    desk: Desk, alice: Customer, generous: int, connection: psycopg.Connection
) -> None:
    placed = order(desk, alice, generous)
    complete(connection, placed)
    refill = int(call(desk, alice, "refill", order=placed)["refill"])
    assert settle_refills(connection, [RefillReport(refill, RefillStatus.COMPLETED)]) == 1
    assert settle_refills(connection, [RefillReport(refill, RefillStatus.REJECTED)]) == 0
    connection.commit()
    assert call(desk, alice, "refill_status", refill=refill) == {"status": "Completed"}


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
