"""Threads that start together, and waiting for connections that are blocked by a lock."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg

from tests.waiting import HANG_SECONDS, until


def all_at_once[T](runners: Sequence[Callable[[], T]]) -> list[T]:
    """Run each function in a thread, all at the same moment, and return their results."""
    barrier = Barrier(len(runners))

    def run(runner: Callable[[], T]) -> T:
        barrier.wait(HANG_SECONDS)
        return runner()

    with ThreadPoolExecutor(len(runners)) as threads:
        return list(threads.map(run, runners))


def await_blocked(observer: psycopg.Connection, *waiting: psycopg.Connection) -> None:
    """Return when each of these connections waits for a lock that another one holds."""
    observer.autocommit = True
    pids = [connection.info.backend_pid for connection in waiting]
    query = "SELECT bool_and(cardinality(pg_blocking_pids(pid)) > 0) FROM unnest(%s::int[]) AS pid"
    until(lambda: observer.execute(query, [pids]).fetchone() == (True,), "each of them waits for a lock")
