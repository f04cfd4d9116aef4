"""Room for the frames of deep calls.

CPython keeps the frames of calls in blocks of 16 KiB. Up to 3.13.12 and 3.14.3, it asks the system for a block whenever
a call crosses into a new one, and gives it back when that call returns (its issue gh-142183). Where a template happens
to be rendered just there, a page crosses a thousand times and takes twice as long.
"""

from collections.abc import Callable

# A frame that is larger than a block gets one to its size, a power of two, and the calls below it use what is left.
# These are 8 bytes each, just over 256 KiB: half of the block of 512 KiB is left, twice what a page needs.
_STACK_SLOTS = 33_000


def with_room[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that does the same, in a block that has room for the frames of some thousand nested calls."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    call.__code__ = call.__code__.replace(co_stacksize=_STACK_SLOTS)
    return call
