"""The protocol as data: every case of every `.http` file here is played to a running desk."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Customer, Desk
from tests.wire import cases, playing
from tests.wire.cases import Case
from tests.wire.staging import Stage

CASES = [case for file in sorted(Path(__file__).parent.glob("*.http")) for case in cases.read(file)]


@pytest.fixture
def stage(
    connection: psycopg.Connection, make_customer: Callable[..., Customer], make_service: Callable[..., int]
) -> Stage:
    """Customers and services of a case's own."""
    return Stage(connection, make_customer, make_service)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule.rpartition(" (")[0]) for case in CASES])
def test_the_wire(case: Case, desk: Desk, stage: Stage) -> None:
    playing.play(case, desk.url, stage)
