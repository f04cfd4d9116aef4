"""A refund is given once, however many reports of it come at the same time."""

from decimal import Decimal
from functools import partial

import psycopg

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, ask, balance, place_one, transfers
from tests.races.concurrency import all_at_once
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import Status

REPORTERS = 16


def settle_and_commit(connection: psycopg.Connection, report: Report) -> SettleResult:
    [outcome] = settle(connection, [report], actor="test")
    connection.commit()
    return outcome


def test_of_many_who_cancel_an_order_one_gives_the_money_back(connect: Connect, alice: Customer, service: int) -> None:
    connections = [connect() for _ in range(REPORTERS)]
    order = place_one(connections[0], ask(alice, service)).order
    connections[0].commit()
    report = Report(order, Status.CANCELED)
    outcomes = all_at_once([partial(settle_and_commit, each, report) for each in connections])

    assert sorted(outcomes) == [SettleResult.SETTLED] + [SettleResult.UNCHANGED] * (REPORTERS - 1)
    assert transfers(connections[0], order) == [("charge", Decimal("0.09")), ("cancel", Decimal("0.09"))]
    assert balance(connections[0], alice) == 100
