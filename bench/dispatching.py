"""What runs about upstream panels share: a desk that orders there, and the workers that do it."""

import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

from tests.fakes.panel import KEY, Panel

if TYPE_CHECKING:
    from tradepost.engine.placing import OrderRequest

QUANTITY = 100
BATCH = 500
WORK = "from tradepost.up.worker import work; work()"
LINK = "https://pixelpond.example/"


@dataclass
class Workers:
    """Worker processes on the run's database, killed one at a time and replaced."""

    count: int
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    killed: int = 0

    def start(self) -> None:
        """Have as many as there should be."""
        while len(self.processes) < self.count:
            command = [sys.executable, "-c", WORK]
            self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def kill_one(self, chosen: int) -> None:
        """Kill one with -9 and start another."""
        victim = self.processes.pop(chosen % len(self.processes))
        victim.kill()
        victim.wait()
        self.killed += 1
        self.start()

    def stop(self) -> None:
        """Kill them all: what they leave behind is looked at afterwards."""
        for each in self.processes:
            each.kill()
            each.wait()


class Desk:
    """The desk of a run: a database whose orders go to these upstream panels, one service and provider each."""

    def __init__(self, database_url: str, *upstream_urls: str) -> None:
        self._url = database_url
        command = [sys.executable, "-m", "bench.dispatching_seed", KEY, *upstream_urls]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        self.account, *pairs = (int(each) for each in done.stdout.split())
        self.services, self.providers = pairs[::2], pairs[1::2]

    def connect(self) -> psycopg.Connection:
        """Open a connection of its own."""
        return psycopg.connect(self._url)

    def run(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement of its own."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def place(self, count: int) -> None:
        """Place orders, each with a link of its own."""
        from tradepost.engine.placing import Mode, Placed, place  # noqa: PLC0415

        with self.connect() as connection:
            for first in range(0, count, BATCH):
                requests = [self._request(number) for number in range(first, min(first + BATCH, count))]
                answers = place(connection, requests, mode=Mode.API)
                assert all(isinstance(answer, Placed) for answer in answers)
                connection.commit()

    def _request(self, number: int) -> "OrderRequest":
        from tradepost.engine.placing import OrderRequest  # noqa: PLC0415

        service = self.services[number % len(self.services)]
        wanted = {"service": str(service), "link": f"{LINK}{number}", "quantity": str(QUANTITY)}
        return OrderRequest(self.account, wanted)

    def count(self, *states: str) -> int:
        """Count the orders whose way is in one of these states."""
        return int(self.run("SELECT count(*) FROM orders_upstreamorder WHERE state = ANY(%s)", list(states))[0][0])

    def count_open(self, panel: Panel) -> int:
        """Count the orders that are over at the panel, by the id they are known by, and not yet over here."""
        rows = self.run("SELECT upstream_id FROM orders_upstreamorder WHERE state = 'sent'")
        over = {str(each.order) for each in panel.accepted if each.status in {"Completed", "Partial", "Canceled"}}
        return sum(id_ in over for (id_,) in rows)

    def abandon(self) -> None:
        """Declare unsure what the last workers left, as the next visit would."""
        from tradepost.engine.dispatching import abandon  # noqa: PLC0415

        with self.connect() as connection:
            for provider in self.providers:
                abandon(connection, provider)
