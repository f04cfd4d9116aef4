"""A past is held to the rules of every order, and nothing is written behind what has happened.

That one can be written is proved where a desk begins with one: the demo (`tests/up`).
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import LINK, MakeService, ask, place_one, transfers
from tradepost.engine import backfill, ledger
from tradepost.engine.backfill import PastOrder, Step, TopUp
from tradepost.engine.errors import NotEnoughFunds, QuantityTooSmall
from tradepost.engine.placing import Mode
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Dispatch, Status

THEN = datetime(2024, 2, 3, tzinfo=UTC)
LATER = THEN + timedelta(hours=1)


def was(
    buyer: Customer, service: int, *steps: Status | Dispatch, remains: int | None = None, **parameters: object
) -> PastOrder:
    """Return an order of the past that took these steps, an hour later."""
    wanted: dict[str, Any] = {"service": service, "link": LINK, "quantity": 100, **parameters}
    return PastOrder(
        buyer.id,
        None,
        Mode.WEB,
        {name: str(each) for name, each in wanted.items()},
        THEN,
        Dispatch.NONE,
        [Step(LATER, "test", step) for step in steps],
        remains=remains,
    )


@pytest.mark.parametrize(
    ("status", "remains"), [(Status.COMPLETED, None), (Status.PARTIAL, 37), (Status.CANCELED, None)]
)
def test_it_costs_and_gives_back_what_an_order_of_today_does(
    connection: psycopg.Connection, alice: Customer, service: int, status: Status, remains: int | None
) -> None:
    order = place_one(connection, ask(alice, service)).order
    settle(connection, [Report(order, status, remains=remains)], actor="test")
    today = [(kind, -amount if kind == "charge" else amount) for kind, amount in transfers(connection, order)]
    reckoned = backfill.plan_past(connection, [was(alice, service, status, remains=remains)])
    assert [(change.kind.value, change.amount) for change in reckoned.changes] == today
    assert [change.at for change in reckoned.changes] == [THEN, LATER][: len(today)]


def test_what_nobody_could_have_ordered_was_not(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    with pytest.raises(QuantityTooSmall):
        backfill.plan_past(connection, [was(alice, service, Status.COMPLETED, quantity=1)])


@pytest.mark.parametrize(
    "steps",
    [
        (Status.CANCELED, Status.COMPLETED),
        (Status.ACTIVE,),
        (Status.IN_PROGRESS,),
        (Dispatch.SENT, Status.COMPLETED),
    ],
)
def test_no_order_went_where_none_can_go(
    connection: psycopg.Connection, alice: Customer, service: int, steps: tuple[Status | Dispatch, ...]
) -> None:
    with pytest.raises(ValueError, match=r"can't become|not past"):
        backfill.plan_past(connection, [was(alice, service, *steps)])


def test_what_is_made_of_runs_is_not_written_down(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    dripped = make_service(dripfeed=True)
    connection.rollback()
    with pytest.raises(ValueError, match="made of parts"):
        backfill.plan_past(connection, [was(alice, dripped, Status.COMPLETED, runs=3, interval=10)])


def test_nobody_spent_what_they_did_not_have(
    connection: psycopg.Connection, make_customer: Any, make_service: MakeService
) -> None:
    poor, dear = make_customer("0"), make_service(rate=Decimal(900))
    reckoned = backfill.plan_past(connection, [was(poor, dear, Status.COMPLETED)])
    too_late = TopUp(poor.id, LATER, Decimal(90), "test", "")
    with pytest.raises(NotEnoughFunds):
        backfill.write_past(connection, reckoned, [too_late])


def test_nothing_is_written_behind_what_has_happened(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    reckoned = backfill.plan_past(connection, [was(alice, service, Status.COMPLETED)])
    with pytest.raises(ledger.BooksBegunError):
        backfill.write_past(connection, reckoned, [TopUp(alice.id, THEN, Decimal(1), "test", "")])
