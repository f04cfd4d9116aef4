"""Rounds: all that takes part, in turns, so that all see one machine.

The machine's speed drifts by the minute. Only what was run in the same rounds is compared, by medians.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from bench import batches, cpu, desk, memory, pgbench, report
from bench.desk import Desk
from bench.errors import Failed
from bench.figures import Figures, Run
from bench.loads import Loads
from bench.report import Measured
from bench.serving import Server, serve
from bench.workload import Part, Workload

WARM_UP_SECONDS = 1


def measure(workloads: Sequence[Workload], *, rounds: int, seconds: int, keep: bool) -> None:
    """Run the rounds on a fresh desk, prove its books, and print the tables. Raises `Failed`."""
    typer.echo("Starting a fresh desk...", err=True)
    with desk.fresh() as running, _others(workloads, running) as others:
        measured = take(workloads, _Runner(running, others).run, rounds=rounds, seconds=seconds)
        books = desk.check(running)
        peak = memory.peak(running.server)
    tell(measured, books, seconds=seconds, peak_bytes=peak, keep=keep)


def take(
    workloads: Sequence[Workload],
    run: Callable[[Part, int], Run],
    *,
    rounds: int,
    seconds: int,
    warm_up_seconds: int = WARM_UP_SECONDS,
) -> list[Measured]:
    """Take the rounds: in each one `run` runs every part of every workload once, for so many seconds."""
    for workload in workloads:
        for part in workload.parts:
            _run_part(workload, part, run, warm_up_seconds)
    measured = [Measured(workload) for workload in workloads]
    for number in range(1, rounds + 1):
        for each in measured:
            for part in each.workload.parts:
                each.runs[part.label].append(_run_part(each.workload, part, run, seconds))
        typer.echo(f"Round {number} of {rounds}: {', '.join(map(report.line, measured))}", err=True)
    return measured


def _run_part(workload: Workload, part: Part, run: Callable[[Part, int], Run], seconds: int) -> Run:
    """Run a part, and say which it was if it fails."""
    try:
        return run(part, seconds)
    except Failed as failure:
        raise Failed(f"{workload.name}, {part.label}: {failure}") from failure


def tell(measured: Sequence[Measured], books: str, *, seconds: int, peak_bytes: int | None, keep: bool) -> None:
    """Print the tables and what `tradepost check` has said; keep the figures if asked."""
    for each in measured:
        typer.echo(f"\n{report.table(each)}")
    typer.echo(f"\n{report.goals(measured)}\n")
    typer.echo(f"{books} {report.memory_line(peak_bytes)}".strip())
    if keep:
        typer.echo(f"Kept in {report.keep(measured, seconds=seconds, peak_bytes=peak_bytes)}.")


@contextmanager
def _others(workloads: Sequence[Workload], running: Desk) -> Iterator[dict[str, Server]]:
    """Run the servers that the desk is measured against, where a workload needs them."""
    kinds = {part.kind for workload in workloads for part in workload.parts}
    with tempfile.TemporaryDirectory(prefix="tradepost-bench-") as folder:
        listing = Path(folder) / "services.json"
        listing.write_bytes(desk.services(running))
        with (
            serve("bench.bare:application", BENCH_BYTES=str(listing)) as bare,
            serve("bench.panel:application", **running.environ) if "django" in kinds else _nobody(bare) as django,
        ):
            yield {"bare": bare, "django": django}


@contextmanager
def _nobody(instead: Server) -> Iterator[Server]:
    yield instead


class _Runner:
    def __init__(self, running: Desk, others: dict[str, Server]) -> None:
        self._desk = running
        self._others = others
        self._loads = Loads()

    def run(self, part: Part, seconds: int) -> Run:
        """Run a part once."""
        if part.kind == "desk" or part.kind in self._others:
            return self._loads.run(self._desk, part, seconds, server=self._others.get(part.kind))
        before = cpu.used(servers=self._desk.servers, postmaster=self._desk.postmaster)
        figures = self._figures(part, seconds)
        after = cpu.used(servers=self._desk.servers, postmaster=self._desk.postmaster)
        return Run(figures, after.since(before) if after and before else None)

    def _figures(self, part: Part, seconds: int) -> Figures:
        first = self._loads.next()
        if part.kind == "batches":
            return batches.run(self._desk, seconds=seconds, first=first)
        definitions = self._loads.fill(self._desk, part)
        return pgbench.run(self._desk.database_url, part.script, definitions, clients=part.clients, seconds=seconds)
