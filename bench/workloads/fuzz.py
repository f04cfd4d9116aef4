"""Fuzzing of a fresh desk: no server error, no hang, no order, no money moved, no memory leaked."""

from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import typer

from bench import desks
from bench.desks import Desk
from bench.seeds.numbered_orders import KEY
from testkit.errors import RunFailedError
from testkit.fuzz.bad_requests import LINK_RULE, QUANTITY_MAX, Target
from testkit.fuzz.runner import GROWTH_BYTES_MAX, FuzzResult, fuzz
from tradepost.engine.order_types import RULES, OrderType

PROGRESS_REQUESTS = 5_000
RATE = Decimal("0.90")


def run(*, count: int, seed: int, log: Path) -> None:
    """Fuzz a fresh desk that logs to `log`, and print the answers. Raises `RunFailedError` if the desk did any harm."""
    typer.echo("Starting a fresh desk...", err=True)
    with desks.fresh(log=log) as desk:
        target = _target(desk)
        before = desk.count("orders_order"), desk.balances()

        def progress(sent: int) -> None:
            if sent % PROGRESS_REQUESTS == 0 or sent == count:
                typer.echo(f"{sent:,} of {count:,} requests", err=True)

        result = fuzz(target, count=count, seed=seed, server=desk.server, progress=progress)
        after = desk.count("orders_order"), desk.balances()
        if after != before:
            raise RunFailedError(
                f"there were {before[0]} orders and {before[1]} on balances, now {after[0]} and {after[1]}"
            )
        books = desks.check(desk)
    for answer, times in result.answers.most_common():
        typer.echo(f"{times:>9,}  {answer}")
    typer.echo(books)
    typer.echo(f"Stood {count:,} requests of seed {seed}: no server error, no hang, no order; {_memory(result)}.")


def _memory(result: FuzzResult) -> str:
    if result.growth_bytes is None:
        return "memory was not watched: there is no /proc"
    return f"memory grew by {result.growth_bytes / 1024**2:.1f} MiB, {GROWTH_BYTES_MAX // 1024**2} are allowed"


def _target(desk: Desk) -> Target:
    """Make a service of each type, and place an order for one of them."""
    desks.set_up_django(desk)
    from tradepost.catalog.models import Category, Service  # noqa: PLC0415 - Django is set up by now

    category = Category.objects.create(name="Fuzzed")
    services = {
        type_: Service.objects.create(
            category=category, name=type_, type=type_, rate=RATE, min=10, max=QUANTITY_MAX, dripfeed=rule.dripfeed,
            link_pattern=LINK_RULE,
        ).pk
        for type_, rule in RULES.items()
    }  # fmt: skip
    key, address = f"{KEY}1", urlsplit(desk.api_url)
    order = {"key": key, "action": "add", "service": services[OrderType.DEFAULT], "link": "https://pixelpond.example/a"}
    placed = httpx2.post(desk.api_url, data={**order, "quantity": 100}).json()
    if "order" not in placed:
        raise RunFailedError(f"an order is answered {placed}")
    return Target(str(address.hostname), address.port or 0, key, services, placed["order"])
