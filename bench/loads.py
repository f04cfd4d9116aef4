"""Loads on desks, by wrk: what was answered, held against what the database has, and the CPU it took."""

from bench import cpu, placed, wrk
from bench.desk import Desk
from bench.figures import Run
from bench.placed import LINKS_A_RUN
from bench.serving import Server
from bench.workload import Part


class Loads:
    """Loads desks, one run after the other; each run's orders have links of their own."""

    def __init__(self) -> None:
        self._first = 1

    def run(self, desk: Desk, part: Part, seconds: int, *, server: Server | None = None) -> Run:
        """Load a desk, or another server on its database. Raises `Failed` if answers or orders are wrong."""
        first = self.next()
        url, servers = (f"{server.url}{part.target}", (server.pid,)) if server else (desk.api_url, desk.servers)
        newest = desk.newest("orders_order") if part.is_ordering else 0
        before = cpu.used(servers=servers, postmaster=desk.postmaster)
        figures = wrk.run(url, part.script, self.fill(desk, part), connections=part.clients, seconds=seconds)
        after = cpu.used(servers=servers, postmaster=desk.postmaster)
        if part.is_ordering:
            placed.check(desk, after=newest, first=first, answered=figures.done, connections=part.clients)
        return Run(figures, after.since(before) if after and before else None)

    def next(self) -> int:
        """Begin with new links, and return the first one's number."""
        self._first += LINKS_A_RUN
        return self._first

    def fill(self, desk: Desk, part: Part) -> list[str]:
        """Return the arguments of a part, in which names in capitals stand for what the desk and the run have."""
        names = {"SERVICE": desk.service, "ORDER": desk.first_order, "FIRST": self._first}
        filled = []
        for argument in part.arguments:
            name, equals, value = argument.rpartition("=")
            filled.append(f"{name}{equals}{names.get(value, value)}")
        return filled
