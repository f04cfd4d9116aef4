"""Rounds: all that takes part, in turns, so that all see one machine.

The machine's speed drifts by the minute. Only what was run in the same rounds is compared, by medians.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from bench import batches, cpu, desk, memory, pgbench, report, wrk
from bench.desk import Desk
from bench.errors import Failed
from bench.figures import Figures, Run
from bench.report import Measured
from bench.serving import Server, serve
from bench.workload import Part, Workload

WARM_UP_SECONDS = 1
LINKS_A_RUN = 10_000_000


def measure(workloads: Sequence[Workload], *, rounds: int, seconds: int, keep: bool) -> None:
    """Run the rounds on a fresh desk, prove its books, and print the tables. Raises `Failed`."""
    typer.echo("Starting a fresh desk...", err=True)
    with desk.fresh() as running, _others(workloads, running) as others:
        runner = _Runner(running, others)
        for workload in workloads:
            runner.round(Measured(workload), WARM_UP_SECONDS)
        measured = [Measured(workload) for workload in workloads]
        for number in range(1, rounds + 1):
            for each in measured:
                runner.round(each, seconds)
            typer.echo(f"Round {number} of {rounds}: {', '.join(map(report.line, measured))}", err=True)
        books = desk.check()
        peak = memory.peak(running.server)
    for each in measured:
        typer.echo(f"\n{report.table(each)}")
    typer.echo(f"\n{report.goals(measured)}\n")
    typer.echo(f"{books} {report.memory_line(peak)}")
    if keep:
        typer.echo(f"Kept in {report.keep(measured, seconds=seconds, peak_bytes=peak)}.")


@contextmanager
def _others(workloads: Sequence[Workload], running: Desk) -> Iterator[dict[str, Server]]:
    """Run the servers that the desk is measured against, where a workload needs them."""
    kinds = {part.kind for workload in workloads for part in workload.parts}
    with tempfile.TemporaryDirectory(prefix="tradepost-bench-") as folder:
        listing = Path(folder) / "services.json"
        listing.write_bytes(desk.services(running))
        with (
            serve("bench.bare:application", BENCH_BYTES=str(listing)) as bare,
            serve("bench.panel:application") if "django" in kinds else _nobody(bare) as django,
        ):
            yield {"bare": bare, "django": django}


@contextmanager
def _nobody(instead: Server) -> Iterator[Server]:
    yield instead


class _Runner:
    def __init__(self, running: Desk, others: dict[str, Server]) -> None:
        self._desk = running
        self._others = others
        self._first = 1

    def round(self, to: Measured, seconds: int) -> None:
        """Run each part once."""
        for part in to.workload.parts:
            server = self._others[part.kind].pid if part.kind in self._others else self._desk.server
            before = cpu.used(server=server, postmaster=self._desk.postmaster)
            figures = self._run(part, seconds)
            after = cpu.used(server=server, postmaster=self._desk.postmaster)
            to.runs[part.label].append(Run(figures, after.since(before) if after and before else None))

    def _run(self, part: Part, seconds: int) -> Figures:
        self._first += LINKS_A_RUN
        arguments = [self._filled(each) for each in part.arguments]
        if part.kind == "batches":
            return batches.run(self._desk, seconds=seconds, first=self._first)
        if part.kind == "pgbench":
            url = self._desk.database_url
            return pgbench.run(url, part.script, arguments, clients=part.clients, seconds=seconds)
        url = f"{self._others[part.kind].url}{part.target}" if part.kind in self._others else self._desk.api_url
        before = self._desk.count(part.counted_in) if part.counted_in else 0
        load = wrk.run(url, part.script, arguments, connections=part.clients, seconds=seconds)
        if part.counted_in:
            _check_count(self._desk.count(part.counted_in) - before, load.done, part.clients)
        return load

    def _filled(self, argument: str) -> str:
        names = {"SERVICE": self._desk.service, "ORDER": self._desk.first_order, "FIRST": self._first}
        name, equals, value = argument.rpartition("=")
        return f"{name}{equals}{names.get(value, value)}"


def _check_count(rows: int, answered: int, connections: int) -> None:
    """Hold what was answered against what is in the database, where those not waited for at the end may be too."""
    if not answered <= rows <= answered + connections:
        raise Failed(f"{answered} were answered, but the database has {rows}")
