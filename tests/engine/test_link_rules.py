"""Which links services take, by rules that no link can blow up."""

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import MakeService, ask, place_one, refuse_one
from tradepost.engine import link_rules


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "a{1001}", "((a{100}){100}){100}", "\ud800", "a" * 501])
def test_what_is_no_rule_is_refused(pattern: str) -> None:
    with pytest.raises(link_rules.LinkPatternError):
        link_rules.compile_rule(pattern)


def test_no_link_blows_a_rule_up() -> None:
    """With Python's own expressions this would outlast the machine."""
    assert not link_rules.compile_rule(r"(\w+\w+)+x").fullmatch("a" * 2_000)


def test_classes_are_of_ascii_and_there_are_others_for_letters_of_any_language() -> None:
    assert not link_rules.compile_rule(r"\w+").fullmatch("caf\u00e9")
    assert link_rules.compile_rule(r"[\pL\pN_]+").fullmatch("caf\u00e9_\u0663")


def test_a_stored_rule_that_can_not_be_read_takes_nothing_and_stops_no_other(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    broken, good = make_service(link_pattern="("), make_service(link_pattern=r"https://example\.test/\w+")
    assert refuse_one(connection, ask(alice, broken)) == "Bad link"
    assert place_one(connection, ask(alice, good))
    assert refuse_one(connection, ask(alice, good, link="https://example.test/alice!")) == "Bad link"
