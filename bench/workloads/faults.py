"""Orders through an upstream panel that keeps failing, sent by workers that keep being killed."""

import time

import typer

from testkit.dispatch import fault_run, refusal_run
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
    refused = refusal_run.run(
        orders=min(orders, REFUSED_ORDERS_MAX), seed=seed, seconds_max=seconds_max, say=typer.echo
    )
    typer.echo(f"refusals, {time.monotonic() - began:.0f} s; the books are clean")
    typer.echo(str(refused))
    if not refused.is_good:
        raise RunFailedError("orders suffered from refusals that were none of their business")
