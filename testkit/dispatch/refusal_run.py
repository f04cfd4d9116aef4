"""`python -m testkit.dispatch.refusal_run ORDERS SEED SECONDS`: orders and refusals.

Sends orders to an upstream panel that refuses them for reasons that are none of the orders' business.

1. One service is off for a while: the orders of the other go on, however many wait.
2. Refusals in words that nobody knows come in a burst.
3. The panel refuses our account.
4. The panel refuses every request about many ids as a whole.

At the end every order has been delivered, and the desk's books agree with the panel's. Waits that are long on purpose
are cut short.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from testkit.dispatch import fault_run
from testkit.dispatch.desk import DispatchDesk
from testkit.dispatch.fault_run import Verdict
from testkit.dispatch.seed import SEEDED_RATE
from testkit.dispatch.worker_processes import WorkerProcesses
from testkit.fresh_database import fresh_database
from testkit.upstream.panel import Offer, Panel
from testkit.upstream.server import Upstream

SWEEP_SECONDS = 2
SWEEPS_MAX = 3  # an order that the panel accepts waits no longer
GOOD_EVERY_SECONDS = 0.5
BURST_SECONDS = 6
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class RefusalVerdict:
    """Counts of orders at the end: those of `fault_run`, those that waited behind refused ones, and those canceled."""

    orders: Verdict
    starved: int
    canceled: int

    @property
    def is_good(self) -> bool:
        return self.orders.is_good and not (self.starved or self.canceled or self.orders.unsure)

    def __str__(self) -> str:
        return f"{self.orders} starved {self.starved} canceled-without-cause {self.canceled}"


def run(*, orders: int, seed: int, seconds_max: float, say: Callable[[str], None]) -> RefusalVerdict:
    """Send orders through every kind of refusal, and return the verdict. `say` gets progress messages."""
    until = time.monotonic() + seconds_max
    # At the rates that the desk knows: a sync in the middle of a run would take services off sale that cost more.
    panel = Panel([Offer(1, rate=SEEDED_RATE), Offer(2, rate=SEEDED_RATE)], seed=seed)
    with fresh_database() as url, Upstream(panel) as upstream:
        desk = DispatchDesk(url, upstream.url, services=2)
        workers = WorkerProcesses(1)
        workers.start()
        try:
            _one_service_off(desk, panel, orders // 2, say)
            [(last,)] = desk.run("SELECT max(id) FROM orders_order")
            for words in ("Quantum flux", "Your account is inactive"):
                _burst(desk, panel, words, orders // 4, say)
            _await_all_sent(desk, until)
            panel.manners.lists_refused = "Order ID is required"
            say("every order is there; following them by a panel that takes one id at a time")
            for _ in range(fault_run.STEPS_TO_THE_END):
                panel.advance_all()
                fault_run.poll_again(desk, until)
            while desk.count_open(panel):
                fault_run.poll_again(desk, until)
        finally:
            workers.stop()
        desk.abandon()
        return RefusalVerdict(fault_run.judge(desk, panel), _starved(desk, last), _canceled(desk))


def _one_service_off(desk: DispatchDesk, panel: Panel, orders: int, say: Callable[[str], None]) -> None:
    """Refuse service 1, let its orders wait, and order service 2 beside them again and again."""
    off, good = desk.services
    panel.manners.refuses[1] = "Service temporarily disabled"
    desk.place(orders, service=off)
    for _ in range(round(BURST_SECONDS / GOOD_EVERY_SECONDS)):
        desk.place(1, service=good)
        time.sleep(GOOD_EVERY_SECONDS)
    time.sleep(SWEEPS_MAX * SWEEP_SECONDS)
    say(f"{orders} orders wait for a service that is off; the other service goes on")
    panel.manners.refuses.clear()


def _burst(desk: DispatchDesk, panel: Panel, words: str, orders: int, say: Callable[[str], None]) -> None:
    """Refuse every order for a while in these words."""
    panel.manners.refuses_all = words
    desk.place(orders)
    until = time.monotonic() + BURST_SECONDS
    while time.monotonic() < until:
        _end_waits(desk)
        time.sleep(LOOK_SECONDS)
    say(f"every order was refused with: {words}")
    panel.manners.refuses_all = ""


def _await_all_sent(desk: DispatchDesk, until: float) -> None:
    while desk.count("queued", "sending", "refused"):
        fault_run.raise_if_late(until, "sending")
        _end_waits(desk)
        time.sleep(LOOK_SECONDS)


def _end_waits(desk: DispatchDesk) -> None:
    desk.run("UPDATE providers_provider SET retry_at = NULL WHERE retry_at > now()")
    desk.run("UPDATE providers_routepause SET until = now() WHERE until > now()")
    desk.run("UPDATE orders_upstreamorder SET due_at = now() WHERE state = 'queued' AND due_at > now()")


def _starved(desk: DispatchDesk, last: int) -> int:
    """Count the orders of the good service, up to the last one, that waited too long while the other was off."""
    [(count,)] = desk.run(
        "SELECT count(*) FROM orders_order o JOIN orders_attempt a ON a.order_id = o.id AND a.state = 'sent'"
        " WHERE o.service_id = %s AND o.id <= %s AND a.answered_at - o.created_at > make_interval(secs => %s)",
        desk.services[1],
        last,
        SWEEPS_MAX * SWEEP_SECONDS,
    )
    return int(count)


def _canceled(desk: DispatchDesk) -> int:
    """Count the orders that were canceled although the panel never had them."""
    [(count,)] = desk.run("SELECT count(*) FROM orders_order WHERE status = 'Canceled' AND dispatch = 'refused'")
    return int(count)


if __name__ == "__main__":
    verdict = run(orders=int(sys.argv[1]), seed=int(sys.argv[2]), seconds_max=float(sys.argv[3]), say=print)
    print(verdict)  # noqa: T201
    sys.exit(not verdict.is_good)
