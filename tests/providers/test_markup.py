"""Costs and rates are exact, and no rate is below its cost."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.engine.routing import quantity_to_order
from tradepost.providers import markup as pricing

D = Decimal
rates = st.decimals(0, 1_000_000, places=7)
exchange_rates = st.decimals(D("0.0000000001"), 100_000, places=10)
multipliers = st.decimals(D("0.0001"), 1_000, places=4)
overflows = st.integers(0, 100)
markups = st.decimals(0, 10_000, places=2)


costs = st.builds(
    lambda rate, exchange_rate, multiplier, overflow: pricing.cost(
        rate, exchange_rate, pricing.quantity_factor(multiplier, overflow)
    ),
    rates,
    exchange_rates,
    multipliers,
    overflows,
)


@given(costs, markups, st.integers(0, 7))
def test_what_is_asked_is_never_below_cost_and_never_a_step_above_the_markup(cost: D, markup: D, decimals: int) -> None:
    asked = pricing.rate_for(cost, markup, decimals)
    assert asked >= cost
    assert asked - cost * (100 + markup) / 100 < D(1).scaleb(-decimals) + D("1e-12")
    assert -asked.as_tuple().exponent == decimals  # type: ignore[operator] # finite


@given(st.integers(1, 10**9), st.integers(1, 10**9), multipliers, overflows)
def test_limits_of_ours_are_within_the_providers(minimum: int, maximum: int, multiplier: D, overflow: int) -> None:
    factor = pricing.quantity_factor(multiplier, overflow)
    assert quantity_to_order(pricing.min_quantity(minimum, factor), multiplier, overflow) >= minimum
    assert quantity_to_order(pricing.max_quantity(maximum, factor), multiplier, overflow) <= maximum


@given(rates, rates)
def test_a_rise_is_above_zero_exactly_when_a_rate_has_risen(before: D, now: D) -> None:
    assert (pricing.rise_percent(before, now) > 0) is (now > before)


@pytest.mark.parametrize(
    ("cost", "markup", "decimals", "asked"),
    [
        ("0.50", "0", 2, "0.50"),
        ("0.5001", "0", 2, "0.51"),
        ("0.50", "33.33", 2, "0.67"),
        ("0.50", "33.33", 4, "0.6667"),
        ("0", "50", 2, "0.00"),
        ("7.001", "20", 0, "9"),
    ],
)
def test_rates_are_rounded_up(cost: str, markup: str, decimals: int, asked: str) -> None:
    assert str(pricing.rate_for(D(cost), D(markup), decimals)) == asked


def test_margins_are_of_the_rate() -> None:
    assert pricing.margin_percent(D(2), D(1)) == D("50.0")
    assert pricing.margin_percent(D(1), D(2)) == D("-100.0")
    assert pricing.margin_percent(D(0), D(0)) is None
