"""`python -m bench add`: one subcommand a workload. `scripts/bench` calls it."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from bench import rounds
from bench.errors import Failed
from bench.workload import ADD, Workload

ROUNDS_MAX = 100
SECONDS_MAX = 600

app = typer.Typer(
    help="Measure a fresh desk against pgbench, on the same database.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

type Rounds = Annotated[int, typer.Option("--rounds", help="How often.", min=1, max=ROUNDS_MAX)]
type Seconds = Annotated[int, typer.Option("--seconds", help="How long each run is.", min=1, max=SECONDS_MAX)]
type Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file too.")]


@app.callback()
def benchmarks() -> None:
    """Keep `add` a subcommand while it is the only one."""


@app.command()
def add(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = None) -> None:
    """Measure placing orders by API, against one transaction an order."""
    _run(ADD, rounds, seconds, json)


def _run(workload: Workload, count: int, seconds: int, json: Path | None) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then as after Ctrl-C
    try:
        rounds.measure(workload, rounds=count, seconds=seconds, json=json)
    except Failed as failure:
        typer.secho(f"bench: {failure}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.secho("bench: stopped", err=True)
        raise typer.Exit(130) from None


app()
