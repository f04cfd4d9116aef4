"""Which links services take, by rules that no link can blow up."""

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import MakeService, ask, place_one, refuse_one
from tradepost.engine import link_rules
from tradepost.engine.link_rules import LinkKind

ADDRESSES = (
    "https://pixelpond.example/alice",
    "pixelpond.example/p/1?x=y#z",
    "t.example/+AbC",
    "http://пруд.example/é",
)
NAMES = ("@alice", "alice_1", "нина", "al.ice-2")
OTHERS = ("not a link", "javascript:alert(1)", "https://", "ftp://pixelpond.example", "@", "a\u2003b")


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        (LinkKind.ADDRESS, {*ADDRESSES, "al.ice-2"}),
        (LinkKind.NAME, {*NAMES}),
        (LinkKind.EITHER, {*ADDRESSES, *NAMES}),
    ],
)
def test_a_kind_of_links_is_told_from_the_others(kind: LinkKind, taken: set[str]) -> None:
    rule = link_rules.compile_stored_rule("", kind)
    assert rule
    assert {link for link in (*ADDRESSES, *NAMES, *OTHERS) if rule.fullmatch(link)} == taken


def test_any_text_is_taken_and_a_pattern_goes_before_the_kind(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    free, named = make_service(), make_service(link_kind="name")
    ruled = make_service(link_kind="name", link_pattern=r"ticket \d+")
    assert place_one(connection, ask(alice, free, link="not a link"))
    assert refuse_one(connection, ask(alice, named, link="not a link")) == "Bad link"
    assert place_one(connection, ask(alice, named, link="@alice"))
    assert place_one(connection, ask(alice, ruled, link="ticket 7"))
    assert refuse_one(connection, ask(alice, ruled, link="@alice")) == "Bad link"


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
