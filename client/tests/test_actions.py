"""Every action, with both clients, against a panel with documented answers and a panel with odd ones."""

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from conftest import ORDER
from testkit.upstream.dialects import ODD, WRAPPED, Dialect
from testkit.upstream.server import Reply, Upstream
from tradepost_client import (
    AsyncClient,
    Balance,
    CancelAccepted,
    Client,
    Declined,
    GenericOrder,
    Placed,
    Refill,
    RefillStanding,
    RefillStatus,
    Refused,
    Service,
    Standing,
    Status,
    Unreadable,
)

type Ask = Callable[..., Any]

UNKNOWN = Declined("Incorrect order ID")
PENDING = Standing(
    status=Status.PENDING, raw_status="Pending", charge=Decimal("0.09"), start_count=0, remains=100, currency="USD"
)


@pytest.mark.parametrize("dialect", [Dialect(), ODD, WRAPPED], ids=["documented", "odd", "wrapped"])
def test_an_order_s_life_is_read_the_same_in_every_dialect(ask: Ask, upstream: Upstream, dialect: Dialect) -> None:
    upstream.dialect = dialect
    assert ask("balance") == Balance(Decimal(1_000_000), "USD")
    assert ask("add", ORDER) == Placed(1)
    assert ask("status", 1).status is Status.PENDING
    assert ask("status", 1).charge == Decimal("0.09")
    for status, remains in ((Status.IN_PROGRESS, 50), (Status.PARTIAL, 20), (Status.CANCELED, 100)):
        upstream.panel.advance(1, status, remains=remains, start_count=7)
        standing = ask("status", "1")
        assert (standing.status, standing.remains, standing.start_count) == (status, remains, 7)
        assert standing.raw_status == dialect.statuses.get(status, status)


@pytest.mark.parametrize(
    "dialect",
    [Dialect(), ODD, WRAPPED, Dialect(services_in="data")],
    ids=["documented", "odd", "wrapped", "in data"],
)
def test_services_are_read_the_same_in_every_dialect(ask: Ask, upstream: Upstream, dialect: Dialect) -> None:
    upstream.dialect = dialect
    assert ask("services") == [
        Service(
            service=1, name="Pixelpond Followers", type="Default", category="Pixelpond", rate=Decimal("0.90"),
            min=10, max=10_000, refill=True, cancel=True, dripfeed=True, description="", average_time="1 hour",
        )
    ]  # fmt: skip


def test_what_is_sent_is_a_form_by_post_to_the_url_as_given(ask: Ask, upstream: Upstream) -> None:
    ask("add", ORDER, idempotency_key="mine", client={"url": upstream.url + "/?panel=7", "user_agent": "shop/1"})
    (seen,) = upstream.seen
    assert seen.method == "POST"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["user-agent"] == "shop/1"
    assert seen.parameters == {
        "panel": "7", "key": upstream.panel.key, "action": "add", "service": "1", "link": ORDER.link,
        "quantity": "100", "idempotency_key": "mine",
    }  # fmt: skip


def test_an_error_of_one_id_is_data_about_that_id(ask: Ask, upstream: Upstream) -> None:
    ask("add", ORDER)
    assert ask("statuses", [1, 999]) == {1: PENDING, 999: UNKNOWN}
    assert ask("statuses", ["1"]) == {"1": PENDING}
    upstream.panel.advance(1, "Completed")
    assert ask("refills", [1, 999]) == {1: Refill(1), 999: UNKNOWN}
    assert ask("refill_statuses", [1, 999]) == {
        1: RefillStanding(RefillStatus.PENDING, "Pending"),
        999: Declined("Refill not found"),
    }
    ask("add", ORDER)
    assert ask("cancel", [2, 999]) == {2: CancelAccepted(), 999: UNKNOWN}


def test_an_id_that_is_left_out_is_unreadable_not_refused(ask: Ask, upstream: Upstream) -> None:
    upstream.canned = [Reply(b'{"1":{"status":"Completed","charge":"1"},"2":[],"4":{"error":"Incorrect order ID"}}')]
    results = ask("statuses", [1, 2, 3, 4])
    assert results[1].status is Status.COMPLETED
    assert (results[2], results[3], results[4]) == (Unreadable("[]"), Unreadable(""), UNKNOWN)


def test_of_one_refill_the_error_is_raised(ask: Ask, upstream: Upstream) -> None:
    ask("add", ORDER)
    with pytest.raises(Refused, match="You are not eligible to send refill request"):
        ask("refill", 1)
    upstream.panel.advance(1, "Completed")
    assert ask("refill", 1) == Refill(1)
    assert ask("refill_status", 1) == RefillStanding(RefillStatus.PENDING, "Pending")
    with pytest.raises(Refused, match="Refill not found"):
        ask("refill_status", 99)


def test_an_error_is_raised_with_its_text(ask: Ask, upstream: Upstream) -> None:
    with pytest.raises(Refused) as caught:
        ask("add", GenericOrder(service=9, fields={"link": "l", "quantity": 1}))
    assert caught.value.text == str(caught.value) == "Incorrect service ID"
    assert caught.value.definite
    assert not caught.value.retryable
    assert len(upstream.seen) == 1
    with pytest.raises(Refused, match="Invalid API key"):
        ask("balance", client={"key": "another"})


def ids(taken: list[int], count: int) -> Iterator[int]:
    """Yield the ids from 1 to `count`, and add to `taken` those that the caller took."""
    for id_ in range(1, count + 1):
        taken.append(id_)
        yield id_


def test_statuses_of_any_number_are_asked_for_in_hundreds_when_wanted(upstream: Upstream) -> None:
    taken: list[int] = []
    with Client(upstream.url, upstream.panel.key) as client:
        results = client.iter_statuses(ids(taken, 250))
        assert taken == []
        assert next(results) == (1, UNKNOWN)
        assert len(taken) == 100
        assert len(list(results)) == 249
    assert [len(seen.parameters["orders"].split(",")) for seen in upstream.asked("status")] == [100, 100, 50]


def test_the_async_client_asks_for_them_in_hundreds_too(upstream: Upstream) -> None:
    async def run() -> list[Any]:
        async with AsyncClient(upstream.url, upstream.panel.key) as client:
            return [pair async for pair in client.iter_statuses(ids([], 101))]

    assert asyncio.run(run()) == [(id_, UNKNOWN) for id_ in range(1, 102)]


@pytest.mark.parametrize(
    ("method", "argument"),
    [("statuses", []), ("statuses", range(101)), ("cancel", ["1,2"]), ("status", " "), ("refill_status", None)],
)
def test_what_can_t_be_asked_is_not_sent(ask: Ask, upstream: Upstream, method: str, argument: Any) -> None:
    with pytest.raises(ValueError, match=r"id"):
        ask(method, argument)
    assert upstream.seen == []


@pytest.mark.parametrize(
    "url", ["panel.example/api/v2", "ftp://panel.example", "https://", "", "http://panel.example:x/"]
)
def test_a_url_that_can_t_be_one_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        Client(url, "key")


def test_a_closed_client_says_so(upstream: Upstream) -> None:
    with Client(upstream.url, upstream.panel.key) as client:
        client.balance()
    with pytest.raises(RuntimeError, match="closed"):
        client.balance()
    assert len(upstream.seen) == 1
