"""Loads on desks, by wrk: each run is measured, and its orders are verified in the database."""

from bench import verification, wrk
from bench.desks import Desk
from bench.run_results import Run
from bench.verification import LINKS_A_RUN
from bench.workload import Part
from bench.yardsticks.http_server import HttpServer
from testkit import process_cpu


class Loads:
    """Loads desks, one run after the other. No two runs order for the same link."""

    def __init__(self) -> None:
        self._first = 1

    def run(self, desk: Desk, part: Part, seconds: int, *, server: HttpServer | None = None) -> Run:
        """Load a desk, or another server on its database. Raises `RunFailedError` if answers or orders are wrong."""
        first = self.next()
        url, servers = (f"{server.url}{part.target}", (server.pid,)) if server else (desk.api_url, desk.servers)
        newest = desk.newest("orders_order") if part.is_ordering else 0
        before = process_cpu.desk_seconds(servers=servers, postmaster=desk.postmaster)
        figures = wrk.run(url, part.script, self.fill(desk, part), connections=part.clients, seconds=seconds)
        after = process_cpu.desk_seconds(servers=servers, postmaster=desk.postmaster)
        if part.is_ordering:
            verification.check_orders(desk, after=newest, first=first, answered=figures.done, connections=part.clients)
        return Run(figures, after.since(before) if after and before else None)

    def next(self) -> int:
        """Reserve links for a new run, and return the number of the first."""
        self._first += LINKS_A_RUN
        return self._first

    def fill(self, desk: Desk, part: Part) -> list[str]:
        """Return the arguments of a part's script, the names in capitals replaced by values of the desk and the run."""
        names = {"SERVICE": desk.service, "ORDER": desk.first_order, "FIRST": self._first}
        arguments = []
        for argument in part.arguments:
            name, equals, value = argument.rpartition("=")
            arguments.append(f"{name}{equals}{names.get(value, value)}")
        return arguments
