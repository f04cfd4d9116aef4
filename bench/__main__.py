"""`python -m bench all`, `python -m bench fuzz`: one subcommand a workload or trial. `scripts/bench` calls it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench import fuzz as fuzzing
from bench import rounds as measuring
from bench.errors import Failed
from bench.workload import WORKLOADS

ROUNDS_MAX = 100
SECONDS_MAX = 600
REQUESTS_MAX = 100_000_000

app = typer.Typer(
    help="Measure a fresh desk against yardsticks, on the same machine; or try how much nonsense it stands.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# Not `type` statements: typer does not look into those, and would know neither bounds nor help.
Rounds = Annotated[int, typer.Option("--rounds", help="How often.", min=1, max=ROUNDS_MAX)]
Seconds = Annotated[int, typer.Option("--seconds", help="How long each run is.", min=1, max=SECONDS_MAX)]
Json = Annotated[bool, typer.Option("--json", help="Keep the figures under bench/results too.")]
Requests = Annotated[int, typer.Option("--requests", help="How many to send.", min=1, max=REQUESTS_MAX)]
Seed = Annotated[int, typer.Option("--seed", help="The same seed makes the same requests.")]
Log = Annotated[Path, typer.Option("--log", help="Write what the desk logs to this file; else it is lost.")]


@app.command(name="all")
def all_(rounds: Rounds = 5, seconds: Seconds = 3, json: Json = False) -> None:
    """Measure everything."""
    _measure(*WORKLOADS, rounds=rounds, seconds=seconds, keep=json)


@app.command()
def add(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure placing orders by API, for many accounts."""
    _measure("add", rounds=rounds, seconds=seconds, keep=json)


@app.command()
def add_one(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure placing orders by API, all for one account."""
    _measure("add-one", rounds=rounds, seconds=seconds, keep=json)


@app.command()
def balance(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure asking for balances."""
    _measure("balance", rounds=rounds, seconds=seconds, keep=json)


@app.command()
def status(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure asking how 100 orders stand."""
    _measure("status", rounds=rounds, seconds=seconds, keep=json)


@app.command()
def services(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure listing 5,000 services."""
    _measure("services", rounds=rounds, seconds=seconds, keep=json)


@app.command()
def fuzz(requests: Requests = 10_000, seed: Seed = 1, log: Log = Path(os.devnull)) -> None:
    """Send requests that no client should send, and hold the answers to the protocol."""
    _run(lambda: fuzzing.run(count=requests, seed=seed, log=log))


def _measure(*names: str, rounds: int, seconds: int, keep: bool) -> None:
    workloads = [WORKLOADS[name] for name in names]
    _run(lambda: measuring.measure(workloads, rounds=rounds, seconds=seconds, keep=keep))


def _run(work: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then as after Ctrl-C
    try:
        work()
    except Failed as failure:
        typer.secho(f"bench: {failure}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.secho("bench: stopped", err=True)
        raise typer.Exit(130) from None


app()
