"""Orders by one server process and by two on the same database, and orders while browsers load pages.

Four browsers load a customer's list of orders without pause. The pages are made by their own process (decision 50).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import typer

from bench import desks, rounds, wrk
from bench.desks import CUSTOMERS, Desk
from bench.loads import Loads
from bench.report import Measured
from bench.run_results import Figures, Run
from bench.workload import Goal, Part, Workload
from bench.workloads import api_actions
from testkit import process_memory

BROWSERS = 4
CUSTOMER = "customer1@bench.example"
LONGER_SECONDS = 1  # so that browsers load pages from the first order to the last

_PAGE_VIEWS = Path(__file__).with_name("page_views.lua")

ONE, TWO = "1 process", "2 processes"
ALONE, OWN = "no pages", "pages by their own process"


def measure(*, rounds_count: int, seconds: int, keep: bool) -> None:
    """Take the rounds on a fresh desk and on another on its database, and print the tables. Raises `RunFailedError`."""
    typer.echo("Starting a fresh desk, and another one on its database...", err=True)
    with desks.fresh() as one, desks.second_desk(one, "--workers", "2") as two:
        loads = Loads()
        browsers = _Browsers(one, _cookie(one))

        def run(part: Part, length: int) -> Run:
            with browsers.load_pages(part, length):
                return loads.run(two if part.kind == TWO else one, part, length)

        measured = rounds.take(_WORKLOADS, run, rounds=rounds_count, seconds=seconds)
        books = desks.check(one)
        peak = process_memory.peak_bytes(one.server)
    rounds.print_tables([*measured, browsers.measured()], books, seconds=seconds, peak_bytes=peak, keep=keep)


def _part(connections: int, kind: str) -> Part:
    arguments = (str(CUSTOMERS), "1", "SERVICE", "FIRST")
    return Part(_label(connections, kind), kind, connections, api_actions.script("add"), arguments, is_ordering=True)


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
        tuple(_part(64, kind) for kind in (ALONE, OWN)),
        (Goal(_label(64, OWN), _label(64, ALONE)),),
    ),
)
_PAGES = Workload(
    "pages",
    "pages",
    (Part(f"{OWN}, {BROWSERS} browsers", OWN, BROWSERS, _PAGE_VIEWS),),
    (),
)


class _Browsers:
    """Browsers that load pages while orders are measured."""

    def __init__(self, desk: Desk, cookie: str) -> None:
        self._url = desk.api_url.replace("/api/v2", "/orders/")
        self._cookie = cookie
        self._runs: dict[str, list[Run]] = {part.kind: [] for part in _PAGES.parts}

    @contextmanager
    def load_pages(self, part: Part, seconds: int) -> Iterator[None]:
        """Load pages for as long as the context lasts, if the part says so."""
        if part.kind not in self._runs:
            yield
            return
        with ThreadPoolExecutor(1) as threads:
            pages = threads.submit(self._load, seconds + LONGER_SECONDS)
            yield
            self._runs[part.kind].append(Run(pages.result(), None))

    def measured(self) -> Measured:
        """Return the runs without the warm-up."""
        measured = Measured(_PAGES)
        measured.runs = {part.label: self._runs[part.kind][1:] for part in _PAGES.parts}
        return measured

    def _load(self, seconds: int) -> Figures:
        return wrk.run(self._url, _PAGE_VIEWS, (self._cookie,), connections=BROWSERS, seconds=seconds)


def _cookie(desk: Desk) -> str:
    """Sign a customer in, and return the value of the header Cookie."""
    desks.set_up_django(desk)
    from django.test import Client  # noqa: PLC0415 - Django is set up by now

    from tradepost.accounts.models import Account  # noqa: PLC0415

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(Account.objects.get(email=CUSTOMER))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
