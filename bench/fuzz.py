"""Fuzzing: a live desk gets requests that no client should send, and has to stand it.

No server error, no hang, no order, no money moved, no memory kept.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import hypothesis
import typer
from hypothesis import HealthCheck, Phase

from bench import desk, memory
from bench.dialects import Strategy
from bench.envelopes import Request
from bench.errors import Failed
from bench.probe import Probe
from bench.requests import LINK_RULE, QUANTITY_MAX, Target, requests
from bench.seeding import KEY
from tradepost.engine.order_types import RULES, OrderType

PROGRESS_REQUESTS = 5_000
RATE = Decimal("0.90")
CHUNK = 500  # requests from one seed: what Hypothesis keeps in mind of them stays small
WARM_UP_PART = 0.1
GROWTH_BYTES_MAX = 32 * 1024**2


def run(*, count: int, seed: int, log: Path) -> None:
    """Fuzz a fresh desk, whose messages go to `log`, and say how it stood that. Raises `Failed` if it did not."""
    typer.echo("Starting a fresh desk...", err=True)
    with desk.fresh(log=log) as running:
        target = _target(running)
        before = running.count("orders_order"), running.balances()

        def progress(sent: int) -> None:
            if sent % PROGRESS_REQUESTS == 0 or sent == count:
                typer.echo(f"{sent:,} of {count:,} requests", err=True)

        standing = fuzz(target, count=count, seed=seed, server=running.server, progress=progress)
        after = running.count("orders_order"), running.balances()
        if after != before:
            raise Failed(f"there were {before[0]} orders and {before[1]} on balances, now {after[0]} and {after[1]}")
        books = desk.check(running)
    for answer, times in standing.answers.most_common():
        typer.echo(f"{times:>9,}  {answer}")
    typer.echo(books)
    typer.echo(f"Stood {count:,} requests of seed {seed}: no server error, no hang, no order; {_memory(standing)}.")


@dataclass(frozen=True)
class Standing:
    """What the desk was like while it was fuzzed: the answers, and what its server's memory grew by, where known."""

    answers: Counter[str]
    growth_bytes: int | None


def fuzz(
    target: Target, *, count: int, seed: int, server: int | None, progress: Callable[[int], None] = lambda _: None
) -> Standing:
    """Send so many requests, the same for the same seed. Raises `Failed` with the first that is not stood.

    `server` is the process whose memory is watched, after a warm-up. Orders and money are the caller's to look at.
    """
    made_up = requests(target)
    warm = None
    with closing(Probe(target.host, target.port)) as probe:
        while probe.asked < count:
            _send(made_up, min(CHUNK, count - probe.asked), f"{seed}/{probe.asked}", probe)
            progress(probe.asked)
            if warm is None and probe.asked >= count * WARM_UP_PART:
                warm = memory.resident(server)
        end = memory.resident(server)
    growth = None if warm is None or end is None else end - warm
    if growth is not None and growth > GROWTH_BYTES_MAX:
        raise Failed(f"the server's memory grew by {growth:,} bytes")
    return Standing(probe.answers, growth)


def _send(made_up: Strategy[Request], count: int, seed: str, probe: Probe) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # not made smaller: each try at that could take as long as a hang
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @hypothesis.given(made_up)
    def ask(request: Request) -> None:
        probe.ask(request)

    ask()


def _memory(standing: Standing) -> str:
    if standing.growth_bytes is None:
        return "memory was not watched: there is no /proc"
    return f"memory grew by {standing.growth_bytes / 1024**2:.1f} MiB, {GROWTH_BYTES_MAX // 1024**2} are allowed"


def _target(running: desk.Desk) -> Target:
    """Sell a service of each type, and place an order on one."""
    desk.set_up_django(running)
    from tradepost.catalog.models import Category, Service  # noqa: PLC0415 - Django is set up by now

    category = Category.objects.create(name="Fuzzed")
    sold = {
        type_: Service.objects.create(
            category=category, name=type_, type=type_, rate=RATE, min=10, max=QUANTITY_MAX, dripfeed=rule.dripfeed,
            link_pattern=LINK_RULE,
        ).pk
        for type_, rule in RULES.items()
    }  # fmt: skip
    key, address = f"{KEY}1", urlsplit(running.api_url)
    order = {"key": key, "action": "add", "service": sold[OrderType.DEFAULT], "link": "https://pixelpond.example/a"}
    placed = httpx2.post(running.api_url, data={**order, "quantity": 100}).json()
    if "order" not in placed:
        raise Failed(f"an order is answered {placed}")
    return Target(str(address.hostname), address.port or 0, key, sold, placed["order"])
