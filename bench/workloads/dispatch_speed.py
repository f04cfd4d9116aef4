"""How many orders a second one worker and several workers send. Only one worker at a time visits a provider."""

import time
from contextlib import ExitStack

import typer

from testkit.dispatch.desk import DispatchDesk
from testkit.dispatch.worker_processes import WorkerProcesses
from testkit.errors import RunFailedError
from testkit.fresh_database import fresh_database
from testkit.upstream.panel import Panel
from testkit.upstream.server import Upstream

PROVIDERS = 8
WORKERS = (1, 2, 4)
LOOK_SECONDS = 0.05
SECONDS_MAX = 300
ANSWER_SECONDS = 0.02  # how long a panel takes to answer


def report(*, orders: int) -> None:
    """Send the orders with each number of workers, and print orders a second.

    Raises `RunFailedError` if a panel did not get every order exactly once.
    """
    first = 0.0
    for workers in WORKERS:
        speed = _measure(orders, workers)
        first = first or speed
        typer.echo(f"{workers} workers: {speed:,.0f} orders/s, {speed / first:.2f} x one")


def _measure(orders: int, count: int) -> float:
    with fresh_database() as url, ExitStack() as stack:
        panels = [Panel() for _ in range(PROVIDERS)]
        upstreams = [stack.enter_context(Upstream(panel, delay_seconds=ANSWER_SECONDS)) for panel in panels]
        desk = DispatchDesk(url, *(upstream.url for upstream in upstreams))
        workers = WorkerProcesses(count)
        workers.start()
        stack.callback(workers.stop)
        _wait_until_up(desk, count)
        began = time.monotonic()
        desk.place(orders)
        while desk.count("queued", "sending"):
            if time.monotonic() - began > SECONDS_MAX:
                raise RunFailedError("sending takes too long")
            time.sleep(LOOK_SECONDS)
        seconds = time.monotonic() - began
        accepted = [order.parameters["link"] for panel in panels for order in panel.accepted]
        if len(accepted) != orders or len(set(accepted)) != orders:
            raise RunFailedError(f"{len(accepted)} orders were accepted of {orders}, {len(set(accepted))} of them once")
        return orders / seconds


def _wait_until_up(desk: DispatchDesk, count: int) -> None:
    """Wait until all workers are running: their start is not measured."""
    until = time.monotonic() + SECONDS_MAX
    while desk.run("SELECT count(*) FROM procrastinate_workers")[0][0] < count:
        if time.monotonic() > until:
            raise RunFailedError("the workers do not come up")
        time.sleep(LOOK_SECONDS)
