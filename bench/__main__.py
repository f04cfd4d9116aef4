"""`python -m bench all`, `python -m bench fuzz`: one subcommand a workload or trial. `scripts/bench` calls it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench import faults as failing
from bench import following as watching
from bench import fuzz as fuzzing
from bench import growth as growing
from bench import pages as paging
from bench import processes as dividing
from bench import rounds as measuring
from bench import sending as speeding
from bench import settings as setting
from bench import standby as doubling
from bench.errors import Failed
from bench.workload import WORKLOADS
from tradepost.up.errors import StartError

ROUNDS_MAX = 100
SECONDS_MAX = 600
REQUESTS_MAX = 100_000_000

app = typer.Typer(
    help="Measure a fresh desk against yardsticks on this machine; or try how much nonsense it stands.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# Not `type` statements: typer does not look into those, and would know neither bounds nor help.
Rounds = Annotated[int, typer.Option("--rounds", help="How often.", min=1, max=ROUNDS_MAX)]
Seconds = Annotated[int, typer.Option("--seconds", help="How long each run is.", min=1, max=SECONDS_MAX)]
Json = Annotated[bool, typer.Option("--json", help="Keep the figures under bench/results too.")]
Requests = Annotated[int, typer.Option("--requests", help="How many to send.", min=1, max=REQUESTS_MAX)]
Seed = Annotated[int, typer.Option("--seed", help="The same seed makes the same run.")]
Orders = Annotated[int, typer.Option("--orders", help="How many orders.", min=100, max=10_000_000)]
Finished = Annotated[int, typer.Option("--finished", help="How many finished orders are beside them.", min=0)]
Kills = Annotated[int, typer.Option("--kills", help="How many workers are killed with -9.", min=0, max=100)]
Workers = Annotated[int, typer.Option("--workers", help="How many work at a time.", min=1, max=8)]
Minutes = Annotated[int, typer.Option("--minutes", help="How long it may take.", min=1, max=120)]
Times = Annotated[int, typer.Option("--times", help="How often each page is asked for.", min=2, max=1_000)]
Seeded = Annotated[int, typer.Option("--orders", help="How many orders there are.", min=100_000, max=100_000_000)]
Only = Annotated[str, typer.Option("--only", help="Only pages that have this in their name.")]
Keep = Annotated[Path | None, typer.Option("--keep", help="Keep the database in this folder, and use it again.")]
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
def growth(rounds: Rounds = 5, seconds: Seconds = 3, orders: Orders = 10_000_000, json: Json = False) -> None:
    """Measure orders, balances and lists beside 10,000 orders, 1,000,000 and 10,000,000."""
    _run(lambda: growing.measure(orders=orders, rounds_count=rounds, seconds=seconds, keep=json))


@app.command()
def standby(rounds: Rounds = 5, seconds: Seconds = 3, json: Json = False) -> None:
    """Measure orders with a synchronous standby and without."""
    _run(lambda: doubling.measure(rounds_count=rounds, seconds=seconds, keep=json))


@app.command()
def processes(rounds: Rounds = 5, seconds: Seconds = 3, json: Json = False) -> None:
    """Measure orders by one server process and by two, and beside pages."""
    _run(lambda: dividing.measure(rounds_count=rounds, seconds=seconds, keep=json))


@app.command()
def settings(
    given: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Settings of the one desk's PostgreSQL.")],
    *,
    rounds: Rounds = 5,
    seconds: Seconds = 3,
    orders: Orders = 1_000_000,
    json: Json = False,
) -> None:
    """Measure what settings of the embedded PostgreSQL do, on a desk with them beside one without."""
    _run(lambda: setting.measure(given, orders=orders, rounds_count=rounds, seconds=seconds, keep=json))


@app.command()
def faults(
    orders: Orders = 10_000, seed: Seed = 1, kills: Kills = 20, workers: Workers = 1, minutes: Minutes = 30
) -> None:
    """Send orders to an upstream panel that fails a fifth of all requests, by workers that are killed."""
    _run(lambda: failing.report(orders=orders, seed=seed, kills=kills, workers=workers, seconds_max=60.0 * minutes))


@app.command()
def fuzz(requests: Requests = 10_000, seed: Seed = 1, log: Log = Path(os.devnull)) -> None:
    """Send requests that no client should send, and hold the answers to the protocol."""
    _run(lambda: fuzzing.run(count=requests, seed=seed, log=log))


@app.command()
def sending(orders: Orders = 4_000) -> None:
    """Measure how many orders a second reach eight upstream panels, by one, two and four workers."""
    _run(lambda: speeding.report(orders=orders))


@app.command()
def following(orders: Orders = 1_000_000, finished: Finished = 10_000_000, rounds: Rounds = 3) -> None:
    """Measure the database's work for asking about every active order, beside few finished orders and many."""
    _run(lambda: watching.report(active=orders, finished=finished, rounds=rounds))


@app.command()
def pages(orders: Seeded = 1_000_000, times: Times = 40, only: Only = "", keep: Keep = None) -> None:
    """Measure the pages on the server: any over 100 ms (panel) or 300 ms (back office) at the 95th percentile fails."""
    _run(lambda: paging.measure(orders=orders, times=times, only=only, keep=keep))


def _measure(*names: str, rounds: int, seconds: int, keep: bool) -> None:
    workloads = [WORKLOADS[name] for name in names]
    _run(lambda: measuring.measure(workloads, rounds=rounds, seconds=seconds, keep=keep))


def _run(work: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then as after Ctrl-C
    try:
        work()
    except (Failed, StartError) as failure:
        typer.secho(f"bench: {failure}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.secho("bench: stopped", err=True)
        raise typer.Exit(130) from None


app()
