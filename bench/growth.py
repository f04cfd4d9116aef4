"""What ten million orders cost a desk: the same loads on desks of three sizes, all alive at once, in turns."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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


def measure(*, orders: int, rounds_count: int, seconds: int, keep: bool) -> None:
    """Seed the desks, take the rounds, prove the books of each, and print the tables. Raises `Failed`."""
    sizes = sorted({LEAST, min(MIDDLE, orders), orders})
    if len(sizes) == 1:
        raise Failed(f"growth is told beside {LEAST:,} orders: more are needed")
    with ExitStack() as stack:
        desks = {size: stack.enter_context(_desk(size)) for size in sizes}
        loads = Loads()
        measured = rounds.take(
            _workloads(sizes),
            lambda part, length: loads.run(desks[int(part.kind)], part, length),
            rounds=rounds_count,
            seconds=seconds,
        )
        books = [f"{size:,} orders: {desk.check(running)}" for size, running in desks.items()]
        peak = max((memory.peak(running.server) or 0 for running in desks.values()), default=0) or None
    rounds.tell(measured, " ".join(books), seconds=seconds, peak_bytes=peak, keep=keep)


@contextmanager
def _desk(orders: int) -> Iterator[Desk]:
    typer.echo(f"Seeding a desk with {orders:,} orders...", err=True)
    size = Size(customers=ACCOUNTS, services=SERVICES, orders=orders, owners=_owners(orders))
    with desk.fresh(size=size) as running:
        yield running


def _owners(orders: int) -> int:
    return min(ACCOUNTS, orders // ORDERS_OF_OWNER)


def _workloads(sizes: list[int]) -> list[Workload]:
    least, *larger = sizes
    most = larger[-1]
    return [
        Workload(
            name,
            unit,
            tuple(_part(name, size) for size in sizes),
            tuple(
                Goal(_label(size), _label(least), RATIO_MIN if (name, size) == ("add", most) else None)
                for size in reversed(larger)
            ),
        )
        for name, unit in (("add", "orders"), ("balance", "balances"), ("status", "lists of 100"))
    ]


def _part(name: str, size: int) -> Part:
    """Load the desk of a size by customers that are spread over all it has."""
    every = str(ACCOUNTS // CUSTOMERS)
    if name == "add":
        arguments = (str(CUSTOMERS), every, "SERVICE", "FIRST")
        return Part(_label(size), str(size), 256, name, arguments, counted_in="orders_order")
    if name == "balance":
        return Part(_label(size), str(size), 64, name, (str(CUSTOMERS), every))
    owners = _owners(size)
    asking = min(CUSTOMERS, owners)
    return Part(_label(size), str(size), 64, name, (str(asking), str(owners // asking), str(owners), "ORDER"))


def _label(size: int) -> str:
    return f"beside {size:,} orders"
