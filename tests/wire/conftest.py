"""The fixture `stage`."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.conftest import Customer


@pytest.fixture
def stage(
    connection: psycopg.Connection, make_customer: Callable[..., Customer], make_service: Callable[..., int]
) -> Iterator[dict[str, str]]:
    """A `Stage`, whose customers and services belong to one case only."""
    from tests.wire.stage import Stage

    stage = Stage(connection, make_customer, make_service)
    yield stage
    stage.release()
