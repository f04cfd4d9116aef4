"""Where a day begins among the ids is found without an index on time."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tradepost.id_ranges import first_id_since

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def rows() -> list[tuple[int, datetime]]:
    """Ids with gaps, an hour apart each, some at the same time."""
    found = [(1 + number * 7 % 5 + number * 10, START + timedelta(hours=number // 2)) for number in range(50)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE times_row (id bigint PRIMARY KEY, at timestamptz NOT NULL)")
        cursor.executemany("INSERT INTO times_row VALUES (%s, %s)", found)
    return found


@pytest.fixture(autouse=True)
def no_table_left() -> object:
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS times_row")


def test_the_bound_splits_the_rows_at_the_moment(rows: list[tuple[int, datetime]]) -> None:
    for minutes in range(-90, 27 * 60, 30):
        moment = START + timedelta(minutes=minutes)
        bound = first_id_since("times_row", "at", moment)
        assert {id_ for id_, at in rows if at >= moment} == {id_ for id_, _ in rows if id_ >= bound}


def test_an_empty_table_has_no_bound() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE times_row (id bigint PRIMARY KEY, at timestamptz NOT NULL)")
    assert first_id_since("times_row", "at", START) == 0


def test_it_looks_up_rows_by_id_only(rows: list[tuple[int, datetime]]) -> None:
    from django.test.utils import CaptureQueriesContext

    assert rows
    with CaptureQueriesContext(connection) as captured:
        first_id_since("times_row", "at", START + timedelta(hours=9))
    assert len(captured) == 1
