"""Orders through an upstream panel that keeps failing, by workers that keep being killed: none twice, none forgotten.

The run is seeded: which requests fail and how, and after how many of them a worker is killed. What the panel accepted
is held against what the desk believes.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import typer

from bench import database
from bench.dispatching import QUANTITY, Desk, Workers
from bench.errors import Failed
from tests.fakes.faults import Faults
from tests.fakes.panel import Panel
from tests.fakes.upstream import Upstream

SHARE_OF_FAULTS = 0.2
LOOK_SECONDS = 0.2
WORKERS = 1
KILLS_WHILE_SENDING = 0.75  # the rest are killed while orders are followed to their end
STEPS_TO_THE_END = 2  # of an order at the panel


@dataclass(frozen=True)
class Verdict:
    """What is wrong at the end, in orders; `unsure` are those left for a person, as they should be."""

    doubled: int
    forgotten: int
    wrong_refunds: int
    unsure: int

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.doubled or self.forgotten or self.wrong_refunds)

    def __str__(self) -> str:
        return (
            f"doubled {self.doubled} forgotten {self.forgotten} wrong-refunds {self.wrong_refunds} unsure {self.unsure}"
        )


def run(
    *,
    orders: int,
    seed: int,
    kills: int,
    workers: int = WORKERS,
    seconds_max: float,
    say: Callable[[str], None],
    trusts_keys: bool = False,
) -> Verdict:
    """Have orders sent, followed and refunded under faults and kills, and return what is wrong at the end.

    `trusts_keys` is the control: with it the desk takes the panel for one that takes idempotency keys, which it does
    not, and so orders twice.
    """
    chance = random.Random(seed)
    while_sending = round(kills * KILLS_WHILE_SENDING)
    kill_after = sorted(chance.sample(range(1, orders), while_sending))
    faults = Faults.of_every_kind(SHARE_OF_FAULTS, seed=seed)
    until = time.monotonic() + seconds_max
    panel = Panel(seed=seed, balance=Decimal(10**9))
    with database.fresh() as url, Upstream(panel, faults, delay_seconds=0.05) as upstream:
        desk = Desk(url, upstream.url)
        if trusts_keys:
            desk.run("UPDATE providers_provider SET supports_idempotency_keys = true")
        running = Workers(workers)
        running.start()
        try:
            desk.place(orders)
            say(f"{orders} orders are placed; sending them")
            while desk.count("queued", "sending", *(["unsure"] if trusts_keys else [])):
                _in_time(until, "sending")
                while kill_after and len(upstream.asked("add")) >= kill_after[0]:
                    kill_after.pop(0)
                    running.kill_one(chance.randrange(workers))
                if trusts_keys:
                    desk.run("UPDATE orders_upstreamorder SET due_at = now() WHERE state = 'unsure'")
                time.sleep(LOOK_SECONDS)
            say(f"{len(panel.accepted)} were accepted, {running.killed} workers killed; following them to their end")
            for left in reversed(range(max(STEPS_TO_THE_END, kills - running.killed))):
                panel.advance_all()
                _let_pass(desk, until)
                if left < kills - running.killed:
                    running.kill_one(chance.randrange(workers))
            while desk.count_open(panel):
                _let_pass(desk, until)
        finally:
            running.stop()
        desk.abandon()
        return _judge(desk, panel)


def _in_time(until: float, what: str) -> None:
    if time.monotonic() > until:
        raise Failed(f"{what} the orders takes too long")


def _let_pass(desk: Desk, until: float) -> None:
    """Let the time pass after which a provider is asked again, and a little of ours."""
    _in_time(until, "following")
    desk.run("UPDATE providers_pollround SET started_at = started_at - interval '1 day'")
    time.sleep(1)


def _judge(desk: Desk, panel: Panel) -> Verdict:
    """Hold what the desk believes against what the panel knows."""
    from tradepost.engine import integrity, money  # noqa: PLC0415

    accepted = Counter(each.parameters["link"] for each in panel.accepted)
    there = {each.parameters["link"]: each for each in panel.accepted}
    rows = desk.run(
        "SELECT o.link, o.status, o.dispatch, o.charge, o.refunded, coalesce(u.upstream_id, a.upstream_id, '')"
        " FROM orders_order o LEFT JOIN orders_upstreamorder u ON u.order_id = o.id"
        " LEFT JOIN orders_attempt a ON a.order_id = o.id AND a.state = 'sent'"
    )
    forgotten = wrong = unsure = 0
    for link, status, dispatch, charge, refunded, upstream_id in rows:
        order = there.get(link)
        unsure += dispatch == "unsure"
        forgotten += dispatch not in {"sent", "refused", "unsure"}
        if dispatch == "refused":
            wrong += order is not None or refunded != charge
        elif dispatch == "unsure" or order is None or upstream_id != str(order.order):
            wrong += refunded != 0
        else:
            given_back = {"Partial": money.share_of(charge, order.remains, QUANTITY), "Canceled": charge}
            wrong += status != order.status or refunded != given_back.get(order.status, 0)
    with desk.connect() as connection:
        found = list(integrity.check(connection))
    if found:
        raise Failed(f"the books are not clean: {found[0]}")
    return Verdict(sum(times > 1 for times in accepted.values()), forgotten, wrong, unsure)


def report(*, orders: int, seed: int, kills: int, workers: int, seconds_max: float) -> None:
    """Run, and say what is wrong at the end. Raises `Failed` if anything is."""
    began = time.monotonic()
    verdict = run(
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
        raise Failed("orders were doubled, forgotten or refunded wrongly")
