"""`python -m bench add`: one subcommand a workload. `scripts/bench` calls it."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench import pages as panel_pages
from bench import rounds
from bench.errors import Failed
from bench.workload import ADD, Workload

ROUNDS_MAX = 100
SECONDS_MAX = 600

app = typer.Typer(
    help="Measure a fresh desk: placing orders against pgbench, and the panel's pages.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

type Rounds = Annotated[int, typer.Option("--rounds", help="How often.", min=1, max=ROUNDS_MAX)]
type Seconds = Annotated[int, typer.Option("--seconds", help="How long each run is.", min=1, max=SECONDS_MAX)]
type Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too.")]


@app.command()
def add(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = None) -> None:
    """Measure placing orders by API, against one transaction an order."""
    _run(ADD, rounds, seconds, json)


@app.command()
def pages(times: Annotated[int, typer.Option(help="How often each page is asked for.", min=2, max=1_000)] = 40) -> None:
    """Measure the panel's pages on the server, with 1,000,000 orders; any over 100 ms at the 95th percentile fails."""
    _guard(lambda: panel_pages.measure(times=times))


def _run(workload: Workload, count: int, seconds: int, json: Path | None) -> None:
    _guard(lambda: rounds.measure(workload, rounds=count, seconds=seconds, json=json))


def _guard(measure: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then as after Ctrl-C
    try:
        measure()
    except Failed as failure:
        typer.secho(f"bench: {failure}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.secho("bench: stopped", err=True)
        raise typer.Exit(130) from None


app()
