"""Rounds: every part of the workloads runs once a round, one after the other, so that all see the same machine.

The machine's speed drifts by the minute. Only runs of the same rounds are compared, by medians.
"""

from collections.abc import Callable, Sequence

import typer

from bench import report
from bench.report import Measured
from bench.run_results import Run
from bench.workload import Part, Workload
from testkit.errors import RunFailedError

WARM_UP_SECONDS = 1


def take(
    workloads: Sequence[Workload],
    run: Callable[[Part, int], Run],
    *,
    rounds: int,
    seconds: int,
    warm_up_seconds: int = WARM_UP_SECONDS,
) -> list[Measured]:
    """Take the rounds: in each round `run` runs every part of every workload once, for so many seconds."""
    for workload in workloads:
        for part in workload.parts:
            _run_part(workload, part, run, warm_up_seconds)
    measured = [Measured(workload) for workload in workloads]
    for number in range(1, rounds + 1):
        for runs in measured:
            for part in runs.workload.parts:
                runs.add(part, _run_part(runs.workload, part, run, seconds))
        typer.echo(f"Round {number} of {rounds}: {', '.join(map(report.last_round, measured))}", err=True)
    return measured


def _run_part(workload: Workload, part: Part, run: Callable[[Part, int], Run], seconds: int) -> Run:
    """Run a part. If the run fails, name the workload and the part in the error."""
    try:
        return run(part, seconds)
    except RunFailedError as failure:
        raise RunFailedError(f"{workload.name}, {part.label}: {failure}") from failure


def print_tables(measured: Sequence[Measured], books: str, *, seconds: int, peak_bytes: int | None, keep: bool) -> None:
    """Print the tables and the output of `tradepost check`. If `keep`, write the runs to a file too."""
    for workload in measured:
        typer.echo(f"\n{report.table(workload)}")
    typer.echo(f"\n{report.goals(measured)}\n")
    typer.echo(f"{books} {report.memory_line(peak_bytes)}".strip())
    if keep:
        typer.echo(f"Kept in {report.keep(measured, seconds=seconds, peak_bytes=peak_bytes)}.")
