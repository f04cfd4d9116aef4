"""Both clients against a running desk, action by action; what `testkit/upstream` can't show is that the two agree."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest

from tests.api.api_calls import LINK
from tests.conftest import Customer, Desk
from tradepost.engine.order_types import RULES, OrderType
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import RefillStatus as DeskRefillStatus
from tradepost.engine.statuses import Status as DeskStatus
from tradepost.orders.models import Order as StoredOrder
from tradepost_client import (
    ORDER_TYPES,
    AsyncClient,
    Balance,
    CancelAccepted,
    Client,
    CommentRepliesOrder,
    Declined,
    DefaultOrder,
    GenericOrder,
    PackageOrder,
    PollOrder,
    RefillStanding,
    RefillStatus,
    Refused,
    Status,
    WebTrafficOrder,
)

type Ask = Callable[..., Any]

UNKNOWN = Declined("Incorrect order ID")


@pytest.fixture(params=[Client, AsyncClient])
def ask(request: pytest.FixtureRequest, desk: Desk, alice: Customer) -> Ask:
    """Call a method by its name, with Alice's key."""

    def call(method: str, *arguments: Any, key: str = alice.key, **named: Any) -> Any:
        if request.param is Client:
            with Client(desk.api_url, key, idempotency=True) as blocking:
                return getattr(blocking, method)(*arguments, **named)

        async def run() -> Any:
            async with AsyncClient(desk.api_url, key, idempotency=True) as waiting:
                return await getattr(waiting, method)(*arguments, **named)

        return asyncio.run(run())

    return call


@pytest.fixture
def report(connection: psycopg.Connection) -> Callable[..., None]:
    """Report the progress of orders, as staff does."""

    def tell(*reports: Report) -> None:
        settle(connection, reports, actor="test")
        connection.commit()

    return tell


def default(service: int, **fields: Any) -> DefaultOrder:
    """An order of 100."""
    return DefaultOrder(**{"service": service, "link": LINK, "quantity": 100, **fields})


def test_the_client_knows_the_desk_s_types_and_statuses() -> None:
    assert list(ORDER_TYPES) == list(OrderType)
    for type_, rule in RULES.items():
        names = set(ORDER_TYPES[type_].__struct_fields__)
        assert {*rule.required, *rule.optional, *(name for name, _, _ in rule.required_when)} < names
    assert {str(each) for each in DeskStatus} == set(Status)
    assert {str(each) for each in DeskRefillStatus} == set(RefillStatus)


def test_services(ask: Ask, service: int) -> None:
    (found,) = [each for each in ask("services") if each.service == service]
    assert (found.name, found.type, found.rate, found.min, found.max) == (
        "Followers", "Default", Decimal("0.90"), 10, 10_000,
    )  # fmt: skip


def test_an_order_from_placing_to_its_end(ask: Ask, service: int, report: Any) -> None:
    order = ask("add", default(service)).order
    standing = ask("status", order)
    assert (standing.status, standing.charge, standing.remains) == (Status.PENDING, Decimal("0.09"), 100)
    assert ask("balance") == Balance(Decimal("99.91"), "USD")
    report(Report(order, DeskStatus.PARTIAL, remains=50, start_count=7))
    standing = ask("statuses", [order, 0])[order]
    assert (standing.status, standing.charge, standing.remains, standing.start_count) == (
        Status.PARTIAL, Decimal("0.045"), 50, 7,
    )  # fmt: skip
    assert ask("statuses", [order, 0])[0] == UNKNOWN


@pytest.mark.parametrize(
    ("order", "quantity"),
    [
        (PackageOrder(service=0, link=LINK), 1),
        (CommentRepliesOrder(service=0, link=LINK, username="bob", comments=["good", "großartig", ":)"]), 3),
        (PollOrder(service=0, link=LINK, quantity=100, answer_number=2), 100),
        (
            WebTrafficOrder(
                service=0, link=LINK, quantity=100, country="DE", device=1, type_of_traffic=1, google_keyword="ponds"
            ),
            100,
        ),
    ],
    ids=lambda value: getattr(value, "type", None),
)  # fmt: skip
def test_types_of_orders(ask: Ask, make_service: Any, order: Any, quantity: int) -> None:
    service = make_service(type=order.type, min=1, max=1 if order.type == "Package" else 10_000)
    placed = ask("add", msgspec.structs.replace(order, service=service))
    assert StoredOrder.objects.get(pk=placed.order).quantity == quantity


def test_a_refusal(ask: Ask, service: int) -> None:
    with pytest.raises(Refused, match="Quantity less than minimal 10"):
        ask("add", default(service, quantity=1))
    with pytest.raises(Refused, match="Incorrect service ID"):
        ask("add", GenericOrder(service=0, fields={"link": LINK}))
    with pytest.raises(Refused, match="Incorrect order ID"):
        ask("status", 0)
    with pytest.raises(Refused, match="Invalid API key"):
        ask("balance", key="another")


def test_an_idempotency_key(ask: Ask, service: int) -> None:
    first = ask("add", default(service), idempotency_key="mine")
    assert ask("add", default(service), idempotency_key="mine") == first
    assert ask("add", default(service)) != first
    with pytest.raises(Refused, match="Idempotency key was used with other parameters"):
        ask("add", default(service, quantity=101), idempotency_key="mine")


def test_refills(ask: Ask, make_service: Any, report: Any) -> None:
    service = make_service(refill=True)
    orders = [ask("add", default(service, link=f"{LINK}/{number}")).order for number in range(3)]
    with pytest.raises(Refused, match="You are not eligible to send refill request"):
        ask("refill", orders[0])
    report(*(Report(order, DeskStatus.COMPLETED) for order in orders))
    refill = ask("refill", orders[0]).refill
    found = ask("refills", [*orders[1:], 0])
    assert found[0] == UNKNOWN
    pending = RefillStanding(RefillStatus.PENDING, "Pending")
    assert ask("refill_status", refill) == ask("refill_status", order=orders[0]) == pending
    asked = [refill, found[orders[1]].refill, 0]
    assert ask("refill_statuses", asked) == {**dict.fromkeys(asked[:2], pending), 0: Declined("Refill not found")}


def test_cancels(ask: Ask, make_service: Any) -> None:
    order = ask("add", default(make_service(cancel=True))).order
    assert ask("cancel", [order, 0]) == {order: CancelAccepted(), 0: UNKNOWN}
    assert ask("status", order).status is Status.CANCELED
    assert ask("cancel", [order]) == {order: Declined("You are not eligible to cancel this order.")}


def test_the_newest_orders(ask: Ask, service: int) -> None:
    placed = [ask("add", default(service, link=f"{LINK}/{number}")).order for number in range(3)]
    newest = ask("orders", limit=2)
    assert [each.order for each in newest] == placed[:0:-1]
    assert (newest[0].service, newest[0].link, newest[0].quantity) == (service, f"{LINK}/2", 100)
    assert newest[0].standing.status is Status.PENDING
    assert newest[0].created.endswith("Z")
    assert [each.order for each in ask("orders", before=placed[1])] == placed[:1]
    with pytest.raises(Refused, match="Incorrect limit"):
        ask("orders", limit=101)
