"""The task that keeps the totals stops when its worker does."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import OperationalError, connections

from tests.builders import place
from tests.conftest import Customer
from tests.waiting import until_blocked_by
from tradepost import shutdown
from tradepost.reports import rollup
from tradepost.reports.tasks import roll_up


@pytest.fixture(autouse=True)
def working(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that nobody has asked to stop yet."""
    monkeypatch.setattr(shutdown, "_stopping", threading.Event())


@pytest.fixture
def holder(alice: Customer, service: int, connect: Callable[[], psycopg.Connection]) -> psycopg.Connection:
    """Somebody who makes steps of the totals wait in the midst of it, an order being new."""
    place(alice.id, service)
    connection = connect()
    connection.execute("LOCK TABLE reports_total IN EXCLUSIVE MODE")
    return connection


def roll_up_in_a_thread() -> None:
    try:
        roll_up(timestamp=0)
    finally:
        connections.close_all()


def test_a_step_that_is_under_way_is_given_up(holder: psycopg.Connection) -> None:
    before = rollup.positions()
    with ThreadPoolExecutor(1) as threads:
        task = threads.submit(roll_up_in_a_thread)
        until_blocked_by(holder)
        shutdown.request_stop()
        task.result()
    holder.rollback()
    assert rollup.positions() == before
    shutdown._stopping.clear()
    roll_up(timestamp=0)
    assert rollup.positions() != before


def test_a_step_that_somebody_else_has_cancelled_fails(
    holder: psycopg.Connection, connection: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(1) as threads:
        task = threads.submit(roll_up_in_a_thread)
        connection.execute("SELECT pg_cancel_backend(%s)", [until_blocked_by(holder)])
        with pytest.raises(OperationalError, match="user request"):
            task.result()


def test_nothing_is_begun_when_it_is_time_to_stop(alice: Customer, service: int) -> None:
    place(alice.id, service)
    shutdown.request_stop()
    before = rollup.positions()
    roll_up(timestamp=0)
    assert rollup.positions() == before
