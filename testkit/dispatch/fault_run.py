"""Sends orders to an upstream panel that keeps failing, by workers that keep being killed.

The seed decides which requests fail and how, and when a worker is killed. At the end the orders that the panel accepted
are compared with the desk's own.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from testkit.dispatch.desk import QUANTITY, DispatchDesk
from testkit.dispatch.worker_processes import WorkerProcesses
from testkit.errors import RunFailedError
from testkit.fresh_database import fresh_database
from testkit.upstream.faults import Faults
from testkit.upstream.panel import Panel
from testkit.upstream.server import Upstream

SHARE_OF_FAULTS = 0.2
LOOK_SECONDS = 0.2
WORKERS = 1
KILLS_WHILE_SENDING = 0.75  # the share; the other workers are killed while orders are polled
STEPS_TO_THE_END = 2  # calls of `Panel.advance_all` until an order has ended


@dataclass(frozen=True)
class Verdict:
    """Counts of orders at the end. `unsure` orders are no fault: staff must decide about them."""

    doubled: int
    forgotten: int
    wrong_refunds: int
    unsure: int

    @property
    def is_good(self) -> bool:
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
    """Send, poll and refund orders under faults and kills, and return the verdict. `say` gets progress messages.

    `trusts_keys` is the control: the desk believes that the panel honours idempotency keys. It does not, so the desk
    orders twice.
    """
    chance = random.Random(seed)
    while_sending = round(kills * KILLS_WHILE_SENDING)
    kill_after = sorted(chance.sample(range(1, orders), while_sending))
    faults = Faults.of_every_kind(SHARE_OF_FAULTS, seed=seed)
    until = time.monotonic() + seconds_max
    panel = Panel(seed=seed, balance=Decimal(10**9))
    with fresh_database() as url, Upstream(panel, faults, delay_seconds=0.05) as upstream:
        desk = DispatchDesk(url, upstream.url)
        if trusts_keys:
            desk.run("UPDATE providers_provider SET supports_idempotency_keys = true")
        running = WorkerProcesses(workers)
        running.start()
        try:
            desk.place(orders)
            say(f"{orders} orders are placed; sending them")
            while desk.count("queued", "sending", *(["unsure"] if trusts_keys else [])):
                raise_if_late(until, "sending")
                while kill_after and len(upstream.asked("add")) >= kill_after[0]:
                    kill_after.pop(0)
                    running.kill_one(chance.randrange(workers))
                if trusts_keys:
                    desk.run("UPDATE orders_upstreamorder SET due_at = now() WHERE state = 'unsure'")
                time.sleep(LOOK_SECONDS)
            say(f"{len(panel.accepted)} were accepted, {running.killed} workers killed; following them to their end")
            for steps_left in reversed(range(max(STEPS_TO_THE_END, kills - running.killed))):
                panel.advance_all()
                poll_again(desk, until)
                if steps_left < kills - running.killed:
                    running.kill_one(chance.randrange(workers))
            while desk.count_open(panel):
                poll_again(desk, until)
        finally:
            running.stop()
        desk.abandon()
        return judge(desk, panel)


def raise_if_late(until: float, step: str) -> None:
    """Raise `RunFailedError` if it is later than `until`, on the monotonic clock."""
    if time.monotonic() > until:
        raise RunFailedError(f"{step} the orders takes too long")


def poll_again(desk: DispatchDesk, until: float) -> None:
    """Make the next poll of each provider due, and wait a second for the workers to poll."""
    raise_if_late(until, "following")
    desk.run("UPDATE providers_pollround SET started_at = started_at - interval '1 day'")
    time.sleep(1)


def judge(desk: DispatchDesk, panel: Panel) -> Verdict:
    """Compare the desk's orders with the panel's, and prove the books."""
    from tradepost.engine import books_check, money  # noqa: PLC0415

    times_accepted = Counter(order.parameters["link"] for order in panel.accepted)
    at_panel = {order.parameters["link"]: order for order in panel.accepted}
    rows = desk.run(
        "SELECT o.link, o.status, o.dispatch, o.charge, o.refunded, coalesce(u.upstream_id, a.upstream_id, '')"
        " FROM orders_order o LEFT JOIN orders_upstreamorder u ON u.order_id = o.id"
        " LEFT JOIN orders_attempt a ON a.order_id = o.id AND a.state = 'sent'"
    )
    forgotten = wrong = unsure = 0
    for link, status, dispatch, charge, refunded, upstream_id in rows:
        order = at_panel.get(link)
        unsure += dispatch == "unsure"
        forgotten += dispatch not in {"sent", "refused", "unsure"}
        if dispatch == "refused":
            wrong += order is not None or refunded != charge
        elif dispatch == "unsure" or order is None or upstream_id != str(order.order):
            wrong += refunded != 0
        else:
            refunds = {"Partial": money.share_of(charge, order.remains, QUANTITY), "Canceled": charge}
            wrong += status != order.status or refunded != refunds.get(order.status, 0)
    with desk.connect() as connection:
        errors = list(books_check.check(connection))
    if errors:
        raise RunFailedError(f"the books are not clean: {errors[0]}")
    return Verdict(sum(times > 1 for times in times_accepted.values()), forgotten, wrong, unsure)
