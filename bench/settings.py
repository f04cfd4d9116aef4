"""What a setting of the embedded PostgreSQL does: a desk with it and one without, side by side, loaded in turns."""

from contextlib import ExitStack

import typer

from bench import desk, growth, memory, rounds
from bench.loads import Loads
from bench.workload import Goal, Workload

AS_IT_IS, CHANGED = "as it is", "changed"


def measure(settings: list[str], *, orders: int, rounds_count: int, seconds: int, keep: bool) -> None:
    """Take the rounds on two desks of this size, one with these settings (NAME=VALUE). Raises `Failed`."""
    size = growth.size_of(orders)
    typer.echo(f"Seeding two desks with {orders:,} orders, one with {', '.join(settings)}...", err=True)
    with ExitStack() as stack:
        desks = {
            AS_IT_IS: stack.enter_context(desk.fresh(size=size)),
            CHANGED: stack.enter_context(desk.fresh(size=size, settings=settings)),
        }
        loads = Loads()
        workloads = [
            Workload(
                name,
                unit,
                tuple(growth.part(name, size, kind) for kind in desks),
                (Goal(CHANGED, AS_IT_IS),),
            )
            for name, unit in growth.WORKLOADS
        ]
        measured = rounds.take(
            workloads,
            lambda part, length: loads.run(desks[part.kind], part, length),
            rounds=rounds_count,
            seconds=seconds,
        )
        books = [desk.check(running) for running in desks.values()]
        peak = memory.peak(desks[AS_IT_IS].server)
    rounds.tell(measured, " ".join(books), seconds=seconds, peak_bytes=peak, keep=keep)
