"""The effect of PostgreSQL settings: the same loads, in turns, on a desk with the settings and one without."""

from contextlib import ExitStack

import typer

from bench import desks, rounds
from bench.loads import Loads
from bench.workload import Goal, Workload
from bench.workloads import growth
from testkit import process_memory

AS_IT_IS, CHANGED = "as it is", "changed"


def measure(settings: list[str], *, orders: int, rounds_count: int, seconds: int, keep: bool) -> None:
    """Take the rounds on two desks of this size, one with these settings (NAME=VALUE). Raises `RunFailedError`."""
    size = growth.size_of(orders)
    typer.echo(f"Seeding two desks with {orders:,} orders, one with {', '.join(settings)}...", err=True)
    with ExitStack() as stack:
        running = {
            AS_IT_IS: stack.enter_context(desks.fresh(size=size)),
            CHANGED: stack.enter_context(desks.fresh(size=size, settings=settings)),
        }
        loads = Loads()
        workloads = [
            Workload(
                name,
                unit,
                tuple(growth.part(name, size, kind) for kind in running),
                (Goal(CHANGED, AS_IT_IS),),
            )
            for name, unit in growth.WORKLOADS
        ]
        measured = rounds.take(
            workloads,
            lambda part, length: loads.run(running[part.kind], part, length),
            rounds=rounds_count,
            seconds=seconds,
        )
        books = [desks.check(desk) for desk in running.values()]
        peak = process_memory.peak_bytes(running[AS_IT_IS].server)
    rounds.print_tables(measured, " ".join(books), seconds=seconds, peak_bytes=peak, keep=keep)
