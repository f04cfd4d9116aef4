"""`kill -9` of everything under load: each acknowledged order is there once, and the books are clean."""

import json
import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import httpx2

from tests import asking
from tests.conftest import Desk, kill_desk, start_desk, stop_desk
from tests.waiting import HANG_SECONDS

CLIENTS = 16
ORDERS_BEFORE_THE_KILL = 600
LINKS = "https://pixelpond.example/asked/"


class Clients:
    """Customers who order without a pause until the desk is gone, each order with a link of its own."""

    def __init__(self, desk: Desk, keys: list[str]) -> None:
        self.acknowledged: dict[int, str] = {}
        self.enough = threading.Event()
        self._desk = desk
        self._threads = [
            threading.Thread(target=self._order, args=(keys[number % len(keys)], number)) for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until all have seen that the desk is gone."""
        for thread in self._threads:
            thread.join(HANG_SECONDS)
            assert not thread.is_alive()

    def _order(self, key: str, client: int) -> None:
        with asking.Session() as http:
            for number in range(100_000):
                link = f"{LINKS}{client}/{number}"
                order = {"key": key, "action": "add", "service": 1, "link": link, "quantity": 10}
                try:
                    answer = http.post(self._desk.api_url, data=order)
                except httpx2.TransportError:
                    return
                if answer.status_code == httpx2.codes.OK:
                    self.acknowledged[answer.json()["order"]] = link
                if len(self.acknowledged) >= ORDERS_BEFORE_THE_KILL:
                    self.enough.set()


def kill_tree(desk: Desk) -> None:
    """Kill the supervisor, its children, and the database with all its processes, none of them asked first."""
    postmaster = int((desk.home / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    kill_desk(desk, *descendants(desk.process.pid), postmaster, *descendants(postmaster))


def descendants(pid: int) -> list[int]:
    """List the processes below one; none if it has ended meanwhile, as PostgreSQL's do by themselves."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children + [below for child in children for below in descendants(child)]


def test_every_acknowledged_order_is_there_once_after_a_kill_under_load(tmp_path: Path) -> None:
    own = {"TRADEPOST_HOME": str(tmp_path), "DATABASE_URL": ""}
    desk = start_desk("--demo", **own)
    demo = json.loads((tmp_path / "demo.json").read_text())
    alice, carol = demo["accounts"][0], demo["accounts"][2]
    clients = Clients(desk, [alice["key"], carol["key"]])
    assert clients.enough.wait(HANG_SECONDS)
    kill_tree(desk)
    clients.join()

    again = start_desk("--demo", **own, TRADEPOST_SIMULATOR_SECONDS="86400")
    try:
        orders = [each for account in (alice, carol) for each in newest_orders(again, account["key"])]
    finally:
        assert stop_desk(again) == 0
    links = dict(orders)
    assert len(links) == len(orders), "an order is there twice"
    assert {order: links[order] for order in clients.acknowledged} == clients.acknowledged
    assert len(set(links.values())) == len(links), "one request made two orders"
    checked = subprocess.run(
        [sys.executable, "-m", "tradepost.cli", "check"],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout.strip() == "The books are correct."


def newest_orders(desk: Desk, key: str) -> list[tuple[int, str]]:
    """Read every order of an account, but for the demo's own, from the database of a running desk: id and link."""
    import psycopg

    from tradepost.engine.keys import digest
    from tradepost.up.postgres import Postgres

    with psycopg.connect(Postgres(desk.home).url) as connection:
        spent = connection.execute(
            "SELECT coalesce(sum(amount), 0) FROM ledger_transfer t JOIN orders_order o ON o.id = t.order_id "
            "JOIN accounts_key k ON k.account_id = o.account_id "
            "WHERE k.digest = %s AND t.kind = 'charge' AND starts_with(o.link, %s)",
            [digest(key), LINKS],
        ).fetchone()
        orders = connection.execute(
            "SELECT o.id, o.link FROM orders_order o JOIN accounts_key k USING (account_id) "
            "WHERE k.digest = %s AND starts_with(o.link, %s)",
            [digest(key), LINKS],
        ).fetchall()
    assert spent
    assert spent[0] == len(orders) * Decimal("0.009")
    return [(order, link) for order, link in orders]
