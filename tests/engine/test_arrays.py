"""Array literals: whatever goes into PostgreSQL comes out again."""

from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.engine.engine_calls import value
from tradepost.engine import arrays

# The connection is the same for every example, which is what we want: nothing is kept in the database.
through_postgres = settings(
    max_examples=60, suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture]
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00") | st.sampled_from("\\\"{},\n\r\t '%$"))


@given(st.lists(texts | st.none() | st.sampled_from(["", "NULL", "null", "{}", '""', "\\x00", "\\", "%s"])))
@example(["", "NULL", None, '"', '\\"', "{", "}", ",", " ", "\n", "\\N", "\u2028", "😀"])
@example([])
@through_postgres
def test_texts_come_back_as_they_were(connection: psycopg.Connection, sent: list[str | None]) -> None:
    assert value(connection, "SELECT %s::text[]", arrays.of_texts(sent)) == sent


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()))
@through_postgres
def test_whole_numbers_come_back_as_they_were(connection: psycopg.Connection, sent: list[int | None]) -> None:
    assert value(connection, "SELECT %s::bigint[]", arrays.of_numbers(sent)) == sent


@given(st.lists(st.decimals(-(10**15), 10**15, allow_nan=False, places=5) | st.none()))
@example([Decimal("1E+3"), Decimal("1E-5"), Decimal("-0"), Decimal("0E-5")])
@through_postgres
def test_amounts_come_back_as_they_were(connection: psycopg.Connection, sent: list[Decimal | None]) -> None:
    assert value(connection, "SELECT %s::numeric[]", arrays.of_numbers(sent)) == sent


@given(st.lists(st.booleans()))
@through_postgres
def test_flags_come_back_as_they_were(connection: psycopg.Connection, sent: list[bool]) -> None:
    assert value(connection, "SELECT %s::boolean[]", arrays.of_flags(sent)) == sent


@given(st.lists(st.binary()))
@example([b"", b"\x00", b'\\"', bytes(range(256))])
@through_postgres
def test_bytes_come_back_as_they_were(connection: psycopg.Connection, sent: list[bytes]) -> None:
    assert value(connection, "SELECT %s::bytea[]", arrays.of_bytes(sent)) == sent


def test_a_text_that_postgresql_can_not_store_is_refused_and_not_cut(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.DataError):
        connection.execute("SELECT %s::text[]", [arrays.of_texts(["before\x00after"])])
