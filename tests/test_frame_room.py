"""Deep calls have room: at no depth does a call that crosses into a new block of frames cost memory each time."""

import resource

import pytest

from tradepost.frame_room import with_room

CROSSINGS = 200
DEPTH_MAX = 300  # more than a block of 16 KiB holds


def at_depth(depth: int) -> int:
    """Call something again and again at this depth; return how often the process was given a page of memory."""
    if depth:
        return at_depth(depth - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(CROSSINGS):
        nothing(1, 2, 3)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def nothing(*_numbers: int) -> None:
    """Do nothing, in a frame of its own."""


def test_calls_cost_no_memory_at_any_depth() -> None:
    crossing = with_room(at_depth)
    for depth in range(DEPTH_MAX):
        crossing(depth)
    assert max(map(crossing, range(DEPTH_MAX))) < CROSSINGS


def test_arguments_results_and_errors_pass() -> None:
    assert with_room(divmod)(7, 2) == (3, 1)
    assert with_room(int)("11", base=2) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        with_room(int)("x")
