"""How fast orders are sent, by one worker and by several. A provider is one worker's at a time, within its limits."""

import time
from contextlib import ExitStack

import typer

from bench import database
from bench.dispatching import Desk, Workers
from bench.errors import Failed
from tests.fakes.panel import Panel
from tests.fakes.upstream import Upstream

PROVIDERS = 8
WORKERS = (1, 2, 4)
LOOK_SECONDS = 0.05
SECONDS_MAX = 300
ANSWER_SECONDS = 0.02  # what a panel takes


def report(*, orders: int) -> None:
    """Send as many orders with each number of workers, and print orders a second. Raises `Failed` if any came twice."""
    first = 0.0
    for workers in WORKERS:
        speed = _measure(orders, workers)
        first = first or speed
        typer.echo(f"{workers} workers: {speed:,.0f} orders/s, {speed / first:.2f} x one")


def _measure(orders: int, count: int) -> float:
    with database.fresh() as url, ExitStack() as stack:
        panels = [Panel() for _ in range(PROVIDERS)]
        upstreams = [stack.enter_context(Upstream(panel, delay_seconds=ANSWER_SECONDS)) for panel in panels]
        desk = Desk(url, *(upstream.url for upstream in upstreams))
        workers = Workers(count)
        workers.start()
        stack.callback(workers.stop)
        _wait_until_up(desk, count)
        began = time.monotonic()
        desk.place(orders)
        while desk.count("queued", "sending"):
            if time.monotonic() - began > SECONDS_MAX:
                raise Failed("sending takes too long")
            time.sleep(LOOK_SECONDS)
        seconds = time.monotonic() - began
        accepted = [order.parameters["link"] for panel in panels for order in panel.accepted]
        if len(accepted) != orders or len(set(accepted)) != orders:
            raise Failed(f"{len(accepted)} orders were accepted of {orders}, {len(set(accepted))} of them once")
        return orders / seconds


def _wait_until_up(desk: Desk, count: int) -> None:
    """Wait until all workers are there: starting is not what is measured."""
    until = time.monotonic() + SECONDS_MAX
    while desk.run("SELECT count(*) FROM procrastinate_workers")[0][0] < count:
        if time.monotonic() > until:
            raise Failed("the workers do not come up")
        time.sleep(LOOK_SECONDS)
