"""What ten million orders cost a desk: the same loads, in turns, on three running desks of different sizes."""

from contextlib import ExitStack

import typer

from bench import desks, rounds
from bench.desks import CUSTOMERS, Desk
from bench.loads import Loads
from bench.seeds.numbered_orders import Size
from bench.workload import Goal, Part, Workload
from bench.workloads import api_actions
from testkit import process_memory
from testkit.errors import RunFailedError

ACCOUNTS = 100_000
SERVICES = 10_000
ORDERS_OF_OWNER = 100
LEAST, MIDDLE = 10_000, 1_000_000  # the largest desk is the caller's choice
RATIO_MIN = 0.85
WARM_UP_SECONDS = 5  # the rows of a thousand accounts are on as many pages, which are read from the disk at first

WORKLOADS = (("add", "orders"), ("balance", "balances"), ("status", "lists of 100"))


def measure(*, orders: int, rounds_count: int, seconds: int, keep: bool) -> None:
    """Seed the desks, take the rounds, prove the books of each, and print the tables. Raises `RunFailedError`."""
    counts = sorted({LEAST, min(MIDDLE, orders), orders})
    if counts[0] != LEAST or len(counts) == 1:
        raise RunFailedError(f"growth is measured against {LEAST:,} orders: more are needed")
    with ExitStack() as stack:
        running: dict[str, Desk] = {}
        for count in counts:
            typer.echo(f"Seeding a desk with {count:,} orders, totals included...", err=True)
            running[_label(count)] = stack.enter_context(desks.fresh(size=size_of(count)))
        loads = Loads()
        measured = rounds.take(
            [_workload(name, unit, counts) for name, unit in WORKLOADS],
            lambda part, length: loads.run(running[part.kind], part, length),
            rounds=rounds_count,
            seconds=seconds,
            warm_up_seconds=WARM_UP_SECONDS,
        )
        books = [f"{label}: {desks.check(desk)}" for label, desk in running.items()]
        peak = max((process_memory.peak_bytes(desk.server) or 0 for desk in running.values()), default=0) or None
    rounds.print_tables(measured, " ".join(books), seconds=seconds, peak_bytes=peak, keep=keep)


def size_of(orders: int) -> Size:
    """Return the size of a desk with so many orders, 100 for each owner."""
    owners = min(ACCOUNTS, max(1, orders // ORDERS_OF_OWNER))
    return Size(customers=ACCOUNTS, services=SERVICES, orders=orders, owners=owners)


def part(name: str, size: Size, kind: str) -> Part:
    """Return the load of a workload on a desk of this size, by customers spread over all accounts."""
    script = api_actions.script(name)
    every = str(ACCOUNTS // CUSTOMERS)
    if name == "add":
        arguments = (str(CUSTOMERS), every, "SERVICE", "FIRST")
        return Part(kind, kind, 256, script, arguments, is_ordering=True)
    if name == "balance":
        return Part(kind, kind, 64, script, (str(CUSTOMERS), every))
    customers = min(CUSTOMERS, size.owners)
    arguments = (str(customers), str(size.owners // customers), str(size.owners), "ORDER")
    return Part(kind, kind, 64, script, arguments)


def _workload(name: str, unit: str, counts: list[int]) -> Workload:
    least, *larger = counts
    most = larger[-1]
    return Workload(
        name,
        unit,
        tuple(part(name, size_of(count), _label(count)) for count in counts),
        tuple(
            Goal(_label(count), _label(least), RATIO_MIN if (name, count) == ("add", most) else None)
            for count in reversed(larger)
        ),
    )


def _label(orders: int) -> str:
    return f"beside {orders:,} orders"
