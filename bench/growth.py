"""What ten million orders cost a desk: the same loads on desks of three sizes, all alive at once, in turns."""

from contextlib import ExitStack

import typer

from bench import desk, memory, rounds
from bench.desk import Desk
from bench.errors import Failed
from bench.loads import Loads
from bench.seeding import Size
from bench.workload import CUSTOMERS, Goal, Part, Workload

ACCOUNTS = 100_000
SERVICES = 10_000
ORDERS_OF_OWNER = 100
LEAST, MIDDLE = 10_000, 1_000_000  # and what the command says
RATIO_MIN = 0.85
WARM_UP_SECONDS = 5  # what a thousand of so many accounts have lies on as many pages, which come from the disk at first


WORKLOADS = (("add", "orders"), ("balance", "balances"), ("status", "lists of 100"))


def measure(*, orders: int, rounds_count: int, seconds: int, keep: bool) -> None:
    """Seed the desks, take the rounds, prove the books of each, and print the tables. Raises `Failed`."""
    counts = sorted({LEAST, min(MIDDLE, orders), orders})
    if counts[0] != LEAST or len(counts) == 1:
        raise Failed(f"growth is told beside {LEAST:,} orders: more are needed")
    with ExitStack() as stack:
        desks: dict[str, Desk] = {}
        for count in counts:
            typer.echo(f"Seeding a desk with {count:,} orders, totals included...", err=True)
            desks[_label(count)] = stack.enter_context(desk.fresh(size=size_of(count)))
        loads = Loads()
        measured = rounds.take(
            [_workload(name, unit, counts) for name, unit in WORKLOADS],
            lambda part, length: loads.run(desks[part.kind], part, length),
            rounds=rounds_count,
            seconds=seconds,
            warm_up_seconds=WARM_UP_SECONDS,
        )
        books = [f"{label}: {desk.check(running)}" for label, running in desks.items()]
        peak = max((memory.peak(running.server) or 0 for running in desks.values()), default=0) or None
    rounds.tell(measured, " ".join(books), seconds=seconds, peak_bytes=peak, keep=keep)


def size_of(orders: int) -> Size:
    """Return the size of a desk with so many orders, of which each owner has 100."""
    owners = min(ACCOUNTS, max(1, orders // ORDERS_OF_OWNER))
    return Size(customers=ACCOUNTS, services=SERVICES, orders=orders, owners=owners)


def part(name: str, size: Size, kind: str) -> Part:
    """Return the load of a workload on a desk of this size, by customers that are spread over all it has."""
    every = str(ACCOUNTS // CUSTOMERS)
    if name == "add":
        arguments = (str(CUSTOMERS), every, "SERVICE", "FIRST")
        return Part(kind, kind, 256, name, arguments, is_ordering=True)
    if name == "balance":
        return Part(kind, kind, 64, name, (str(CUSTOMERS), every))
    asking = min(CUSTOMERS, size.owners)
    arguments = (str(asking), str(size.owners // asking), str(size.owners), "ORDER")
    return Part(kind, kind, 64, name, arguments)


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
