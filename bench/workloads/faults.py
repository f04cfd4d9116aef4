"""Orders through an upstream panel that keeps failing, sent by workers that keep being killed."""

import subprocess
import sys
import time

import typer

from testkit.dispatch import fault_run
from testkit.errors import RunFailedError

REFUSED_ORDERS_MAX = 2_000  # each is asked about by itself in the end


def report(*, orders: int, seed: int, kills: int, workers: int, seconds_max: float) -> None:
    """Run and print the verdict. Raises `RunFailedError` if an order was doubled, forgotten or refunded wrongly."""
    began = time.monotonic()
    verdict = fault_run.run(
        orders=orders,
        seed=seed,
        kills=kills,
        workers=workers,
        seconds_max=seconds_max,
        say=typer.echo,
    )
    typer.echo(f"{orders} orders, {kills} kills, seed {seed}, {time.monotonic() - began:.0f} s; the books are clean")
    typer.echo(str(verdict))
    if not verdict.is_good:
        raise RunFailedError("orders were doubled, forgotten or refunded wrongly")
    began = time.monotonic()
    # In a process of its own: this one holds the catalog of the first run's database.
    arguments = [str(each) for each in (min(orders, REFUSED_ORDERS_MAX), seed, seconds_max)]
    done = subprocess.run([sys.executable, "-m", "testkit.dispatch.refusal_run", *arguments], check=False)
    typer.echo(f"refusals, {time.monotonic() - began:.0f} s")
    if done.returncode:
        raise RunFailedError("orders suffered from refusals that were none of their business")
