"""What can be measured: workloads, each with who takes part in it, and the goals that hold one against another."""

from dataclasses import dataclass

CUSTOMERS = 1_000
OWNERS = 100  # the customers that have orders from the start, 100 each
ORDERS_OF_OWNER = 100
SERVICES = 5_000


@dataclass(frozen=True)
class Part:
    """Who takes part in a workload: wrk on a server (with so many connections), pgbench (so many clients), batches."""

    label: str
    kind: str  # "desk", "bare", "django", "pgbench" or "batches"
    clients: int = 0
    script: str = ""  # NAME.lua or NAME.sql
    arguments: tuple[str, ...] = ()  # of the script, behind KEY; names in capitals are filled in
    target: str = ""  # the path, on a server that is not the desk
    is_ordering: bool = False  # each request is an order, by wrk: they are counted in the database


@dataclass(frozen=True)
class Goal:
    """How one part of a workload is to compare with another: at least so many times as many a second."""

    part: str
    against: str
    ratio_min: float | None = None  # None: told, but no goal


@dataclass(frozen=True)
class Workload:
    """Parts that run in turns, and what is to come of it. `unit` is what one request does, in the plural."""

    name: str
    unit: str
    parts: tuple[Part, ...]
    goals: tuple[Goal, ...]


def _orders(label: str, connections: int, customers: int = CUSTOMERS) -> Part:
    arguments = (str(customers), "1", "SERVICE", "FIRST")
    return Part(label, "desk", connections, "add", arguments, is_ordering=True)


def _pgbench(script: str, clients: int, customers: int = CUSTOMERS) -> Part:
    label = f"pgbench, {clients} clients"
    arguments = (f"customers={customers}", f"owners={OWNERS}", "service=SERVICE", "first_order=ORDER")
    return Part(label, "pgbench", clients, script, arguments)


def _services(label: str, kind: str, encoding: str, least: int, target: str = "") -> Part:
    return Part(label, kind, 64, "services", (str(CUSTOMERS), encoding, str(least)), target)


_GZIPPED, _PLAIN = 10_000, 500_000  # bytes that the list has at least

WORKLOADS: dict[str, Workload] = {
    each.name: each
    for each in (
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
                    "add",
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
            (Part("desk, 64 connections", "desk", 64, "balance", (str(CUSTOMERS), "1")), _pgbench("balance", 8)),
            (Goal("desk, 64 connections", "pgbench, 8 clients", 0.8),),
        ),
        Workload(
            "status",
            "lists of 100",
            (
                Part("desk, 64 connections", "desk", 64, "status", (str(OWNERS), "1", str(OWNERS), "ORDER")),
                _pgbench("status", 8),
            ),
            (Goal("desk, 64 connections", "pgbench, 8 clients", 0.8),),
        ),
        Workload(
            "services",
            "lists of 5,000",
            (
                _services("desk, gzip", "desk", "gzip", _GZIPPED),
                _services("bare app, hello world", "bare", "gzip", 1, "/hello"),
                _services("desk, plain", "desk", "identity", _PLAIN),
                _services("bare app, the same bytes", "bare", "identity", _PLAIN, "/bytes"),
            ),
            (
                Goal("desk, gzip", "bare app, hello world", 0.5),
                Goal("desk, plain", "bare app, the same bytes", 0.85),
            ),
        ),
    )
}
