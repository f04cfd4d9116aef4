"""Server processes: orders by one and by two on one database, and orders while people look at pages.

The pages are a customer's list of orders, asked for by four browsers that never pause: made by their own process, as
they are, or by the one that takes the orders, as it would be without (it keeps connections that begin with the API).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import typer

from bench import desk, memory, rounds, wrk
from bench.desk import Desk
from bench.figures import Figures, Run
from bench.loads import Loads
from bench.report import Measured
from bench.workload import CUSTOMERS, Goal, Part, Workload

BROWSERS = 4
CUSTOMER = "customer1@bench.example"
LONGER_SECONDS = 1  # so that pages are asked for from the first order to the last

ONE, TWO = "1 process", "2 processes"
ALONE, OWN, SAME = "no pages", "pages by their own process", "pages by the same process"


def measure(*, rounds_count: int, seconds: int, keep: bool) -> None:
    """Take the rounds on a fresh desk and on another on its database, and print the tables. Raises `Failed`."""
    typer.echo("Starting a fresh desk, and another one on its database...", err=True)
    with desk.fresh() as one, desk.beside(one, "--workers", "2") as two:
        loads = Loads()
        pages = _Pages(one, _cookie(one))

        def run(part: Part, length: int) -> Run:
            with pages.beside(part, length):
                return loads.run(two if part.kind == TWO else one, part, length)

        measured = rounds.take(_WORKLOADS, run, rounds=rounds_count, seconds=seconds)
        books = desk.check(one)
        peak = memory.peak(one.server)
    rounds.tell([*measured, pages.measured()], books, seconds=seconds, peak_bytes=peak, keep=keep)


def _part(connections: int, kind: str) -> Part:
    arguments = (str(CUSTOMERS), "1", "SERVICE", "FIRST")
    return Part(_label(connections, kind), kind, connections, "add", arguments, is_ordering=True)


def _label(connections: int, kind: str) -> str:
    return f"{kind}, {connections} connections"


_WORKLOADS = (
    Workload(
        "processes",
        "orders",
        tuple(_part(connections, kind) for connections in (256, 64) for kind in (ONE, TWO)),
        tuple(Goal(_label(connections, TWO), _label(connections, ONE)) for connections in (256, 64)),
    ),
    Workload(
        "beside pages",
        "orders",
        tuple(_part(64, kind) for kind in (ALONE, OWN, SAME)),
        tuple(Goal(_label(64, kind), _label(64, ALONE)) for kind in (OWN, SAME)),
    ),
)
_PAGES = Workload(
    "pages",
    "pages",
    tuple(Part(f"{kind}, {BROWSERS} browsers", kind, BROWSERS, "pages") for kind in (OWN, SAME)),
    (Goal(f"{OWN}, {BROWSERS} browsers", f"{SAME}, {BROWSERS} browsers"),),
)


class _Pages:
    """People who look at pages while orders are measured."""

    def __init__(self, asked: Desk, cookie: str) -> None:
        self._url = asked.api_url.replace("/api/v2", "/orders/")
        self._cookie = cookie
        self._seen: dict[str, list[Run]] = {part.kind: [] for part in _PAGES.parts}

    @contextmanager
    def beside(self, part: Part, seconds: int) -> Iterator[None]:
        """Ask for pages meanwhile, if the part is about that."""
        if part.kind not in self._seen:
            yield
            return
        with ThreadPoolExecutor(1) as threads:
            pages = threads.submit(self._ask, part.kind, seconds + LONGER_SECONDS)
            yield
            self._seen[part.kind].append(Run(pages.result(), None))

    def measured(self) -> Measured:
        """Return what came of it, the warm-up left out."""
        measured = Measured(_PAGES)
        measured.runs = {part.label: self._seen[part.kind][1:] for part in _PAGES.parts}
        return measured

    def _ask(self, kind: str, seconds: int) -> Figures:
        first = str(BROWSERS if kind == SAME else 0)
        return wrk.run(self._url, "pages", (self._cookie, first), connections=BROWSERS, seconds=seconds)


def _cookie(running: Desk) -> str:
    """Sign a customer in, and return what the browser would send."""
    desk.set_up_django(running)
    from django.test import Client  # noqa: PLC0415 - Django is set up by now

    from tradepost.accounts.models import Account  # noqa: PLC0415

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Account.objects.get(email=CUSTOMER))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
