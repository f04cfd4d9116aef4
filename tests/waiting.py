"""Waits for other processes and threads. A wait gives up only after a hang, and names its condition then."""

import os
import time
from collections.abc import Callable

import psycopg
import pytest

# Even on the slowest machine, only a hang takes longer. While a test is written, a shorter wait tells sooner.
HANG_SECONDS = int(os.environ.get("TEST_HANG_SECONDS", "120"))
LOOK_SECONDS = 0.02

_BLOCKED = "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"


def until[T](condition: Callable[[], T | None], what: str, *, seconds: float = HANG_SECONDS) -> T:
    """Poll until the condition is true, and return its value. If it never is, fail with the sentence `what`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds} s in vain: {what}")
        time.sleep(LOOK_SECONDS)
    return value


def until_blocked_by(holder: psycopg.Connection) -> int:
    """Wait until a session waits for a lock that this connection holds; return that session's process id."""

    def blocked() -> int | None:
        holder.execute("SELECT pg_stat_clear_snapshot()")  # in a transaction, pg_stat_activity is cached
        row = holder.execute(_BLOCKED, [holder.info.backend_pid]).fetchone()
        return int(row[0]) if row else None

    return until(blocked, "somebody waits for a lock of this connection")


def in_one_go[T](attempt: Callable[[], T], *, seconds: float) -> T:
    """Return what an attempt found that took less than these seconds, after which what it looks at would have changed.

    An attempt during which the machine stood still says nothing: another one is made.
    """

    def undisturbed() -> list[T]:
        began = time.monotonic()
        found = attempt()
        return [found] if time.monotonic() - began < seconds else []

    return until(undisturbed, f"it is done within {seconds} s")[0]
