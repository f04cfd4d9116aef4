"""Rounds: the desk at 64 and at 256 connections and the yardstick between them, in turns, so that all see one machine.

The machine's speed drifts by the minute. Only what was run in the same rounds is compared, by medians.
"""

from collections.abc import Callable
from pathlib import Path

import typer

from bench import desk, pgbench, report, wrk
from bench.desk import Desk
from bench.figures import CONNECTIONS, Rounds, Run
from bench.workload import Workload
from bench.wrk import Load

WARM_UP_SECONDS = 1


def measure(workload: Workload, *, rounds: int, seconds: int, json: Path | None) -> None:
    """Run the rounds on a fresh desk, prove its books, and print the table. Raises `Failed`."""
    typer.echo("Starting a fresh desk...", err=True)
    with desk.fresh() as running:
        runner = _Runner(workload, running)
        runner.round(Rounds(), WARM_UP_SECONDS)
        done = Rounds()
        for number in range(1, rounds + 1):
            runner.round(done, seconds)
            typer.echo(f"Round {number} of {rounds}: {report.line(workload, done)}", err=True)
        books = desk.check()
    typer.echo(report.table(workload, done))
    typer.echo(books)
    if json:
        report.write_json(json, workload, done, seconds=seconds)


class _Runner:
    def __init__(self, workload: Workload, running: Desk) -> None:
        self._workload = workload
        self._desk = running
        self._first = 1

    def round(self, to: Rounds, seconds: int) -> None:
        few, many = CONNECTIONS
        to.desk[few].append(self._with_cpu(lambda: self._load(few, seconds)))
        to.pgbench.append(self._with_cpu(lambda: pgbench.run(self._workload, self._desk, seconds=seconds)))
        to.desk[many].append(self._with_cpu(lambda: self._load(many, seconds)))

    def _load(self, connections: int, seconds: int) -> Load:
        load = wrk.run(self._workload, self._desk, connections=connections, seconds=seconds, first=self._first)
        self._first += load.answered + connections
        return load

    def _with_cpu[Figures](self, run: Callable[[], Figures]) -> Run[Figures]:
        before = self._desk.cpu()
        figures = run()
        after = self._desk.cpu()
        return Run(figures, after.since(before) if after and before else None)
