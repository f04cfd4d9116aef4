"""What a service takes over from its provider's, and when it goes into quarantine, decided without a database."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.providers.quarantine import Quarantine, RouteTerms, ServiceTerms, decide

D = Decimal
OURS = ServiceTerms(
    rate=D(1), min=10, max=1_000, name="Ours", description="", refill=False, cancel=False, dripfeed=False
)
THEIRS = ServiceTerms(
    rate=D("0.5"), min=20, max=500, name="Theirs", description="Good", refill=True, cancel=True, dripfeed=True
)


def way(**fields: Any) -> RouteTerms:
    terms = {name: fields.pop(name) for name in ServiceTerms.__struct_fields__ if name in fields}
    return RouteTerms(terms=msgspec.structs.replace(THEIRS, **terms), **fields)


def why(*ways: RouteTerms, now: ServiceTerms = OURS) -> str:
    decision = decide(now, ways)
    assert isinstance(decision, Quarantine), decision
    return decision.why


def test_what_follows_nothing_stays_as_it_is() -> None:
    assert decide(OURS, [way()]) == OURS


@pytest.mark.parametrize(
    ("field", "followed"),
    [
        ("rate", D("0.6000")),
        ("min", 20),
        ("max", 500),
        ("name", "Theirs"),
        ("description", "Good"),
        ("refill", True),
        ("cancel", True),
        ("dripfeed", True),
    ],
)
def test_each_field_follows_on_its_own(field: str, followed: object) -> None:
    decision = decide(OURS, [way(follows=frozenset({field}), markup_percent=D(20))])
    assert decision == msgspec.structs.replace(OURS, **{field: followed})


def test_the_first_route_that_leads_anywhere_is_followed() -> None:
    follows = frozenset({"max"})
    gone, second = way(follows=follows, max=100, is_delisted=True), way(follows=follows, max=200)
    assert decide(OURS, [gone, second, way(follows=follows, max=300)]) == msgspec.structs.replace(OURS, max=200)


def test_without_a_route_that_leads_anywhere_it_is_not_sold() -> None:
    assert "None of its routes leads anywhere" in why(way(is_delisted=True))


def test_a_rise_beyond_what_it_may_be_is_looked_at() -> None:
    assert decide(OURS, [way(rise_percent=D(20), rise_percent_max=20)]) == OURS
    assert "rose by 21 %; it may rise by 20 %" in why(way(rise_percent=D(21), rise_percent_max=20))
    assert "rose from nothing" in why(way(rise_percent=D("Infinity")))


def test_what_would_be_sold_below_cost_is_not_sold() -> None:
    assert why(way(rate=D("1.01"))) == "Its rate, 1.00, is below its cost, 1.01."
    assert "below its cost, 2.00" in why(way(), way(rate=D(2)))
    assert decide(OURS, [way(), way(rate=D(2), is_delisted=True)]) == OURS


def test_what_a_provider_takes_no_quantity_of_is_not_sold() -> None:
    assert "from 20 to 5" in why(way(follows=frozenset({"min", "max"}), max=5))


@given(
    st.lists(
        st.builds(
            way,
            rate=st.decimals(0, 1_000_000, places=7),
            follows=st.frozensets(st.sampled_from(["rate", "min", "max"])),
            markup_percent=st.decimals(-100, 1_000, places=2),
            rate_decimals=st.integers(0, 7),
            is_delisted=st.booleans(),
        ),
        max_size=4,
    ),
    st.decimals(0, 1_000, places=7),
)
def test_nothing_is_ever_sold_below_what_it_costs_by_any_route(ways: list[RouteTerms], rate: D) -> None:
    decision = decide(msgspec.structs.replace(OURS, rate=rate), ways)
    if not isinstance(decision, Quarantine):
        assert decision.rate >= max(way.terms.rate for way in ways if not way.is_delisted)
