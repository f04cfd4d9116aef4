"""Loads on desks, by wrk: what was answered, held against what the database has, and the CPU it took."""

from bench import cpu, wrk
from bench.desk import Desk
from bench.errors import Failed
from bench.figures import Run
from bench.workload import Part

LINKS_A_RUN = 10_000_000


class Loads:
    """Loads desks, one run after the other; each run's orders have links of their own."""

    def __init__(self) -> None:
        self._first = 1

    def run(self, desk: Desk, part: Part, seconds: int) -> Run:
        """Load a desk. Raises `Failed` if an answer was wrong or an order is not there."""
        self.next()
        before = cpu.used(servers=desk.servers, postmaster=desk.postmaster)
        newest = desk.newest(part.counted_in) if part.counted_in else 0
        figures = wrk.run(desk.api_url, part.script, self.fill(desk, part), connections=part.clients, seconds=seconds)
        after = cpu.used(servers=desk.servers, postmaster=desk.postmaster)
        if part.counted_in:
            _check_count(desk.count(part.counted_in, after=newest), figures.done, part.clients)
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


def _check_count(rows: int, answered: int, connections: int) -> None:
    """Hold what was answered against what is in the database, where those not waited for at the end may be too."""
    if not answered <= rows <= answered + connections:
        raise Failed(f"{answered} were answered, but the database has {rows}")
