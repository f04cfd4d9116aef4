"""`python -m bench COMMAND`, run by `scripts/bench`: one command for each workload."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bench.workloads import (
    api_actions,
    dispatch_speed,
    faults,
    fuzz,
    growth,
    pages,
    polling_cost,
    processes,
    settings,
    siege,
    standby,
)
from testkit.errors import RunFailedError
from tradepost.up.errors import StartError

ROUNDS_MAX = 100
SECONDS_MAX = 600
REQUESTS_MAX = 100_000_000

app = typer.Typer(
    help="Measure a fresh desk against yardsticks on this machine; or try how much nonsense it stands.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# Not `type` statements: typer does not look into those, and would find neither the bounds nor the help.
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
def measure_all(rounds: Rounds = 5, seconds: Seconds = 3, json: Json = False) -> None:
    """Measure everything."""
    _measure(*api_actions.WORKLOADS, rounds=rounds, seconds=seconds, keep=json)


@app.command(name="add")
def measure_add(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure placing orders by API, for many accounts."""
    _measure("add", rounds=rounds, seconds=seconds, keep=json)


@app.command(name="add-one")
def measure_add_one(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure placing orders by API, all for one account."""
    _measure("add-one", rounds=rounds, seconds=seconds, keep=json)


@app.command(name="balance")
def measure_balance(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure asking for balances."""
    _measure("balance", rounds=rounds, seconds=seconds, keep=json)


@app.command(name="status")
def measure_status(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure asking how 100 orders stand."""
    _measure("status", rounds=rounds, seconds=seconds, keep=json)


@app.command(name="services")
def measure_services(rounds: Rounds = 5, seconds: Seconds = 5, json: Json = False) -> None:
    """Measure listing 5,000 services."""
    _measure("services", rounds=rounds, seconds=seconds, keep=json)


@app.command(name="growth")
def measure_growth(rounds: Rounds = 5, seconds: Seconds = 3, orders: Orders = 10_000_000, json: Json = False) -> None:
    """Measure orders, balances and lists beside 10,000 orders, 1,000,000 and 10,000,000."""
    _run(lambda: growth.measure(orders=orders, rounds_count=rounds, seconds=seconds, keep=json))


@app.command(name="standby")
def measure_standby(rounds: Rounds = 5, seconds: Seconds = 3, json: Json = False) -> None:
    """Measure orders with a synchronous standby and without."""
    _run(lambda: standby.measure(rounds_count=rounds, seconds=seconds, keep=json))


@app.command(name="processes")
def measure_processes(rounds: Rounds = 5, seconds: Seconds = 3, json: Json = False) -> None:
    """Measure orders by one server process and by two, and beside pages."""
    _run(lambda: processes.measure(rounds_count=rounds, seconds=seconds, keep=json))


@app.command(name="siege")
def measure_siege(rounds: Rounds = 5, seconds: Seconds = 3, json: Json = False) -> None:
    """Measure orders, and load pages, while one machine sends forms, heads and uploads that do not end."""
    _run(lambda: siege.measure(rounds_count=rounds, seconds=seconds, keep=json))


@app.command(name="settings")
def measure_settings(
    given: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Settings of the one desk's PostgreSQL.")],
    *,
    rounds: Rounds = 5,
    seconds: Seconds = 3,
    orders: Orders = 1_000_000,
    json: Json = False,
) -> None:
    """Measure what settings of the embedded PostgreSQL do, on a desk with them beside one without."""
    _run(lambda: settings.measure(given, orders=orders, rounds_count=rounds, seconds=seconds, keep=json))


@app.command(name="faults")
def send_through_faults(
    orders: Orders = 10_000, seed: Seed = 1, kills: Kills = 20, workers: Workers = 1, minutes: Minutes = 30
) -> None:
    """Send orders to an upstream panel that fails a fifth of all requests, by workers that are killed."""
    _run(lambda: faults.report(orders=orders, seed=seed, kills=kills, workers=workers, seconds_max=60.0 * minutes))


@app.command(name="fuzz")
def fuzz_desk(requests: Requests = 10_000, seed: Seed = 1, log: Log = Path(os.devnull)) -> None:
    """Send requests that no client should send, and hold the answers to the protocol."""
    _run(lambda: fuzz.run(count=requests, seed=seed, log=log))


@app.command(name="sending")
def measure_sending(orders: Orders = 4_000) -> None:
    """Measure how many orders a second reach eight upstream panels, by one, two and four workers."""
    _run(lambda: dispatch_speed.report(orders=orders))


@app.command(name="following")
def measure_following(orders: Orders = 1_000_000, finished: Finished = 10_000_000, rounds: Rounds = 3) -> None:
    """Measure the database's work for asking about every active order, beside few finished orders and many."""
    _run(lambda: polling_cost.report(active=orders, finished=finished, rounds=rounds))


@app.command(name="pages")
def measure_pages(orders: Seeded = 1_000_000, times: Times = 40, only: Only = "", keep: Keep = None) -> None:
    """Measure times and weights of pages: over 100 ms or 150 KB (panel), 300 ms or 400 KB (back office) fails."""
    _run(lambda: pages.measure(orders=orders, times=times, only=only, keep=keep))


def _measure(*names: str, rounds: int, seconds: int, keep: bool) -> None:
    _run(lambda: api_actions.measure(*names, rounds_count=rounds, seconds=seconds, keep=keep))


def _run(work: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that SIGTERM cleans up like Ctrl-C
    try:
        work()
    except (RunFailedError, StartError) as failure:
        typer.secho(f"bench: {failure}", fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.secho("bench: stopped", err=True)
        raise typer.Exit(130) from None


app()
