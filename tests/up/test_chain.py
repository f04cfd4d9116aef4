"""Two desks, where one is the other's provider: an order goes down the chain, and its refund comes back up."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.api.api_calls import call
from tests.conftest import Desk, start_desk, stop_desk
from tests.waiting import HANG_SECONDS, until

ORDERS = 20
SECONDS_MAX = 3 * HANG_SECONDS  # for whole lives of orders at two desks, one after the other
OVER = {"Completed", "Partial", "Canceled"}


@pytest.fixture
def chained(tmp_path: Path) -> Iterator[Desk]:
    """A demo desk with another one below it."""
    running = start_desk("--demo", "--chain", DATABASE_URL="", TRADEPOST_HOME=str(tmp_path / "home"))
    yield running
    assert stop_desk(running) == 0


def account(home: Path) -> dict[str, Any]:
    """Return the first customer in a demo desk's `demo.json`."""
    customer: dict[str, Any] = json.loads((home / "demo.json").read_text())["accounts"][0]
    return customer


def test_orders_go_down_the_chain_and_what_is_not_delivered_comes_back_up(chained: Desk) -> None:
    above = account(chained.home)["key"]
    below_desk = json.loads((chained.home / "upstream" / "demo.json").read_text())
    below = chained._replace(url=below_desk["url"], api_url=below_desk["api_url"])
    key_below = account(chained.home / "upstream")["key"]
    services = {each["name"]: each for each in call(chained, above, "services")}
    theirs = {each["name"]: each for each in call(below, key_below, "services")}
    assert services.keys() == theirs.keys()
    chosen = services["Pixelpond Followers · Start"]
    assert Decimal(chosen["rate"]) == Decimal(theirs["Pixelpond Followers · Start"]["rate"]) * Decimal("1.25")
    links = [f"https://pixelpond.example/{number}" for number in range(ORDERS)]
    placed = [
        call(chained, above, "add", service=chosen["service"], link=link, quantity=100)["order"] for link in links
    ]

    def ended() -> Any:
        standing = call(chained, above, "status", orders=",".join(map(str, placed)))
        return all(each["status"] in OVER for each in standing.values()) and standing

    found = until(ended, "all orders have come to their end, here and there", seconds=SECONDS_MAX)
    there = {each["link"]: each for each in call(below, key_below, "orders", limit=ORDERS)}
    assert sorted(there) == sorted(links)
    for order, link in zip(placed, links, strict=True):
        mine, its = found[str(order)], there[link]
        assert (mine["status"], mine["remains"], mine["start_count"]) == (
            its["status"], its["remains"], its["start_count"],
        )  # fmt: skip
        # What is paid here is what is paid there and a quarter more, after refunds too.
        dearer = Decimal(its["charge"]) * Decimal("1.25")
        assert Decimal(mine["charge"]) == pytest.approx(dearer, abs=Decimal("0.00002"))
