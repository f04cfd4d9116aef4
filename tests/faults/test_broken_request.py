"""If a request breaks its batch in an unforeseen way, it alone gets no answer; the other requests get theirs."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.conftest import Customer
from tradepost.api.app import App
from tradepost.api.group_commit import DatabaseUnavailableError, Lane
from tradepost.api.v2 import Api


def divide(connection: psycopg.Connection, divisors: Sequence[int]) -> list[int]:
    """Let the database divide 12 by each divisor. Zero breaks the whole batch."""
    return [int(connection.execute("SELECT 12 / %s", [divisor]).fetchone()[0]) for divisor in divisors]  # type: ignore[index]


def test_only_the_request_that_breaks_the_batch_goes_without_an_answer(
    connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask() -> list[int | DatabaseUnavailableError]:
        lane = Lane("test", connection.info.dsn, divide)
        lane.start()
        answered: list[asyncio.Future[int | DatabaseUnavailableError]] = []
        for each in (1, 2, 0, 3):
            answered.append(asyncio.get_running_loop().create_future())
            lane.ask(each, answered[-1].set_result)
        answers = await asyncio.gather(*answered)
        lane.stop()
        return answers

    with caplog.at_level(logging.CRITICAL):
        answers = asyncio.run(ask())
    assert [answers[0], answers[1], answers[3]] == [12, 6, 4]
    assert isinstance(answers[2], DatabaseUnavailableError)


def test_no_log_ever_holds_a_key(
    alice: Customer,
    connection: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = f"key={alice.key}&action=add&service=1&link=x&quantity=100".encode()
    scope = {"type": "http", "method": "POST", "query_string": b"", "headers": [], "client": ("127.0.0.1", 1)}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def serve() -> None:
        api = Api(
            connection.info.dsn.replace("dbname=tradepost", "dbname=template1"),  # a database without tables
            "USD",
            requests_a_minute=0,
        )
        api.start()
        await App(api)(scope, receive, send)
        api.stop()

    asyncio.run(serve())
    assert sent[0]["status"] == 503
    printed = capsys.readouterr()
    assert caplog.records
    assert alice.key not in caplog.text + printed.out + printed.err
