"""Routes: how much is ordered upstream, and what that means for what is left of ours."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.engine import routing
from tradepost.engine.routing import Fulfilment
from tradepost.engine.statuses import Dispatch

multipliers = st.decimals("0.0001", "1000", places=4)
quantities = st.integers(1, 10**9)
overflows = st.integers(0, 100)


@pytest.mark.parametrize(
    ("quantity", "multiplier", "overflow", "ordered"),
    [(100, "1", 0, 100), (100, "2", 10, 220), (3, "0.5", 0, 2), (1, "0.0001", 0, 1), (100, "1", 1, 101)],
)
def test_what_is_ordered_is_rounded_up(quantity: int, multiplier: str, overflow: int, ordered: int) -> None:
    assert routing.quantity_to_order(quantity, Decimal(multiplier), overflow) == ordered


@given(quantities, multipliers, overflows)
def test_what_is_ordered_is_always_enough(quantity: int, multiplier: Decimal, overflow: int) -> None:
    ordered = routing.quantity_to_order(quantity, multiplier, overflow)
    assert ordered >= quantity * multiplier
    assert routing.remains_of_ours(quantity, ordered, 0, multiplier) == 0
    assert routing.remains_of_ours(quantity, ordered, ordered, multiplier) == quantity


@given(quantities, multipliers, overflows, st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_the_more_is_left_upstream_the_more_is_left_of_ours(
    quantity: int, multiplier: Decimal, overflow: int, one: int, other: int
) -> None:
    ordered = routing.quantity_to_order(quantity, multiplier, overflow)
    less, more = (routing.remains_of_ours(quantity, ordered, each, multiplier) for each in sorted((one, other)))
    assert 0 <= less <= more <= quantity


@pytest.mark.parametrize(
    ("fulfilment", "is_play", "has_route", "dispatch"),
    [
        (Fulfilment.MANUAL, False, True, Dispatch.NONE),
        (Fulfilment.SIMULATED, False, False, Dispatch.SIMULATED),
        (Fulfilment.PROVIDER, False, True, Dispatch.QUEUED),
        (Fulfilment.PROVIDER, False, False, Dispatch.NONE),
        (Fulfilment.PROVIDER, True, True, Dispatch.SIMULATED),
        (Fulfilment.MANUAL, True, False, Dispatch.SIMULATED),
    ],
)
def test_who_fulfils_an_order_is_its_services_to_say_but_play_money_is_simulated(
    fulfilment: Fulfilment, is_play: bool, has_route: bool, dispatch: Dispatch
) -> None:
    assert routing.first_dispatch(fulfilment, is_play=is_play, has_route=has_route) is dispatch
