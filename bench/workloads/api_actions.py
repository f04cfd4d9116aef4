"""The actions of the API, each on a fresh desk and on its yardsticks."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from bench import desks, rounds
from bench.desks import CUSTOMERS, OWNERS, Desk
from bench.loads import Loads
from bench.run_results import Figures, Run
from bench.workload import Goal, Part, Workload
from bench.yardsticks import engine_batches, pgbench
from bench.yardsticks.http_server import HttpServer, serve
from testkit import process_cpu, process_memory

_SCRIPTS = Path(__file__).parent


def measure(*names: str, rounds_count: int, seconds: int, keep: bool) -> None:
    """Measure these workloads on a fresh desk, prove its books, and print the tables. Raises `RunFailedError`."""
    workloads = [WORKLOADS[name] for name in names]
    typer.echo("Starting a fresh desk...", err=True)
    with desks.fresh() as desk, _other_servers(workloads, desk) as others:
        measured = rounds.take(workloads, _Runner(desk, others).run, rounds=rounds_count, seconds=seconds)
        books = desks.check(desk)
        peak = process_memory.peak_bytes(desk.server)
    rounds.print_tables(measured, books, seconds=seconds, peak_bytes=peak, keep=keep)


@contextmanager
def _other_servers(workloads: Sequence[Workload], desk: Desk) -> Iterator[dict[str, HttpServer]]:
    """Run the HTTP servers that these workloads compare the desk with."""
    kinds = {part.kind for workload in workloads for part in workload.parts}
    with tempfile.TemporaryDirectory(prefix="tradepost-bench-") as folder:
        service_list = Path(folder) / "services.json"
        service_list.write_bytes(desks.services(desk))
        with serve("bench.yardsticks.bare_asgi:application", BENCH_BYTES=str(service_list)) as bare:
            if "django" not in kinds:
                yield {"bare": bare}
                return
            with serve("bench.yardsticks.django_view:application", **desk.environ) as django:
                yield {"bare": bare, "django": django}


class _Runner:
    def __init__(self, desk: Desk, others: dict[str, HttpServer]) -> None:
        self._desk = desk
        self._others = others
        self._loads = Loads()

    def run(self, part: Part, seconds: int) -> Run:
        """Run a part once."""
        if part.kind == "desk" or part.kind in self._others:
            return self._loads.run(self._desk, part, seconds, server=self._others.get(part.kind))
        before = process_cpu.desk_seconds(servers=self._desk.servers, postmaster=self._desk.postmaster)
        figures = self._without_http(part, seconds)
        after = process_cpu.desk_seconds(servers=self._desk.servers, postmaster=self._desk.postmaster)
        return Run(figures, after.since(before) if after and before else None)

    def _without_http(self, part: Part, seconds: int) -> Figures:
        first = self._loads.next()
        if part.kind == "batches":
            return engine_batches.run(self._desk, seconds=seconds, first=first)
        definitions = self._loads.fill(self._desk, part)
        return pgbench.run(self._desk.database_url, part.script, definitions, clients=part.clients, seconds=seconds)


def script(action: str) -> Path:
    """Return the requests of an action, for wrk."""
    return _SCRIPTS / f"{action}.lua"


def _orders(label: str, connections: int, customers: int = CUSTOMERS) -> Part:
    arguments = (str(customers), "1", "SERVICE", "FIRST")
    return Part(label, "desk", connections, script("add"), arguments, is_ordering=True)


def _pgbench(action: str, clients: int, customers: int = CUSTOMERS) -> Part:
    label = f"pgbench, {clients} clients"
    arguments = (f"customers={customers}", f"owners={OWNERS}", "service=SERVICE", "first_order=ORDER")
    return Part(label, "pgbench", clients, _SCRIPTS / f"{action}.sql", arguments)


def _services(label: str, kind: str, encoding: str, bytes_min: int, target: str = "") -> Part:
    return Part(label, kind, 64, script("services"), (str(CUSTOMERS), encoding, str(bytes_min)), target)


_GZIPPED_BYTES_MIN, _PLAIN_BYTES_MIN = 10_000, 500_000  # of the list of services

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        Workload(
            "add",
            "orders",
            (
                _orders("desk, 256 connections", 256),
                _pgbench("add", 32),
                _orders("desk, 64 connections", 64),
                Part("batches without HTTP", "batches"),
                _orders("desk, 1 connection", 1),
                Part(
                    "Django view, 32 connections",
                    "django",
                    32,
                    script("add"),
                    (str(CUSTOMERS), "1", "SERVICE", "FIRST"),
                    "/add",
                    is_ordering=True,
                ),
            ),
            (
                Goal("desk, 256 connections", "pgbench, 32 clients", 3),
                Goal("desk, 256 connections", "Django view, 32 connections", 30),
                Goal("desk, 256 connections", "batches without HTTP", 0.6),
                Goal("desk, 64 connections", "pgbench, 32 clients"),
            ),
        ),
        Workload(
            "add-one",
            "orders",
            (_orders("desk, 256 connections, one account", 256, 1), _pgbench("add", 32, 1)),
            (Goal("desk, 256 connections, one account", "pgbench, 32 clients", 20),),
        ),
        Workload(
            "balance",
            "balances",
            (
                Part("desk, 64 connections", "desk", 64, script("balance"), (str(CUSTOMERS), "1")),
                _pgbench("balance", 8),
            ),
            (Goal("desk, 64 connections", "pgbench, 8 clients", 0.8),),
        ),
        Workload(
            "status",
            "lists of 100",
            (
                Part("desk, 64 connections", "desk", 64, script("status"), (str(OWNERS), "1", str(OWNERS), "ORDER")),
                _pgbench("status", 8),
            ),
            (Goal("desk, 64 connections", "pgbench, 8 clients", 0.8),),
        ),
        Workload(
            "services",
            "lists of 5,000",
            (
                _services("desk, gzip", "desk", "gzip", _GZIPPED_BYTES_MIN),
                _services("bare app, hello world", "bare", "gzip", 1, "/hello"),
                _services("desk, plain", "desk", "identity", _PLAIN_BYTES_MIN),
                _services("bare app, the same bytes", "bare", "identity", _PLAIN_BYTES_MIN, "/bytes"),
            ),
            (
                Goal("desk, gzip", "bare app, hello world", 0.5),
                Goal("desk, plain", "bare app, the same bytes", 0.85),
            ),
        ),
    )
}
