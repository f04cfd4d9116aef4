"""Sorting a page of rows, and typed places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.catalog import sort_order


@given(st.data(), st.integers(0, 30))
def test_what_is_arranged_has_all_rows_once_and_typed_places_hold(data: st.DataObject, size: int) -> None:
    rows = data.draw(st.permutations(range(1, size + 1)))
    start = data.draw(st.integers(0, size))
    page = rows[start : data.draw(st.integers(start, size))]
    order = data.draw(st.permutations(page))
    typed = data.draw(st.dictionaries(st.sampled_from(page), st.integers(1, size), max_size=1)) if page else {}
    result = sort_order.rearranged(rows, page, order, typed)
    assert sorted(result) == sorted(rows)
    assert typed or result == [*rows[:start], *order, *rows[start + len(page) :]]
    assert all(result[place - 1] == row for row, place in typed.items())


@pytest.mark.parametrize(("page", "order"), [([2, 3], [3, 4]), ([2, 9], [9, 2]), ([3, 2], [2, 3]), ([1], [1, 1])])
def test_a_page_that_has_changed_is_not_arranged(page: list[int], order: list[int]) -> None:
    with pytest.raises(sort_order.StaleOrderError):
        sort_order.rearranged([1, 2, 3, 4], page, order, {})
