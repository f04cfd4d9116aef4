"""A desk without a server: a database whose orders go to upstream panels."""

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psycopg

from testkit.upstream.panel import KEY, Panel

if TYPE_CHECKING:
    from tradepost.engine.placing import OrderRequest

QUANTITY = 100
BATCH = 500
LINK = "https://pixelpond.example/"


class DispatchDesk:
    """A database with one account, and for each upstream panel one provider with one or more services."""

    def __init__(self, database_url: str, *upstream_urls: str, services: int = 1) -> None:
        self._url = database_url
        command = [sys.executable, "-m", "testkit.dispatch.seed", KEY, str(services), *upstream_urls]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        self.account, *pairs = (int(id_) for id_ in done.stdout.split())
        self.services, self.providers = pairs[::2], list(dict.fromkeys(pairs[1::2]))
        self._placed = 0

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self._url)

    def run(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run one statement on a new connection, commit, and return its rows."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def place(self, count: int, *, service: int | None = None) -> None:
        """Place orders, each with a different link, for one service or for all services in turns."""
        from tradepost.engine.placing import Mode, Placed, place  # noqa: PLC0415

        start, self._placed = self._placed, self._placed + count
        with self.connect() as connection:
            for first in range(start, self._placed, BATCH):
                numbers = range(first, min(first + BATCH, self._placed))
                requests = [self._request(number, service) for number in numbers]
                answers = place(connection, requests, mode=Mode.API)
                assert all(isinstance(answer, Placed) for answer in answers)
                connection.commit()

    def _request(self, number: int, service: int | None) -> "OrderRequest":
        from tradepost.engine.placing import OrderRequest  # noqa: PLC0415

        service = service or self.services[number % len(self.services)]
        parameters = {"service": str(service), "link": f"{LINK}{number}", "quantity": str(QUANTITY)}
        return OrderRequest(self.account, parameters)

    def count(self, *states: str) -> int:
        """Count the orders whose dispatch is in one of these states."""
        return int(self.run("SELECT count(*) FROM orders_upstreamorder WHERE state = ANY(%s)", list(states))[0][0])

    def count_open(self, panel: Panel) -> int:
        """Count the orders that have ended at the panel, but not yet at this desk."""
        rows = self.run("SELECT upstream_id FROM orders_upstreamorder WHERE state = 'sent'")
        ended = {str(order.order) for order in panel.accepted if order.status in {"Completed", "Partial", "Canceled"}}
        return sum(upstream_id in ended for (upstream_id,) in rows)

    def abandon(self) -> None:
        """Mark as unsure the orders that killed workers were sending, as the next visit would."""
        from tradepost.engine.dispatching import abandon  # noqa: PLC0415

        with self.connect() as connection:
            for provider in self.providers:
                abandon(connection, provider)
