"""Work by hand: staff who see no money take orders, report on them, finish them, and settle requests."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import sign_in
from tests.backoffice.test_lists import queries
from tests.builders import place, settle
from tests.conftest import Customer
from tradepost.accounts.models import Account
from tradepost.engine.statuses import Status
from tradepost.ledger.models import LedgerAccount
from tradepost.orders.models import CancelRequest, Order, OrderAssignment, OrderEvent, Refill

MAY = ("fulfil_order", "change_cancelrequest", "change_refill")


def worker() -> Client:
    """A member of staff who may fulfil orders, and nothing else."""
    client = sign_in(is_staff=True)
    Account.objects.latest("id").user_permissions.add(*Permission.objects.filter(codename__in=MAY))
    return client


@pytest.fixture
def dana() -> Client:
    """A member of staff who fulfils."""
    return worker()


@pytest.fixture
def erin() -> Client:
    """Another member of staff who fulfils."""
    return worker()


def shown(client: Client, **asked: str | int) -> list[int]:
    return [row["order"].pk for row in client.get(reverse("manual_work"), asked).context["orders"]]


def take(client: Client, order: int) -> None:
    client.post(reverse("manual_work_take", args=[order]))


def report(client: Client, order: int, do: str, **told: str) -> Any:
    return client.post(reverse("manual_work_order", args=[order]), {"do": do, **told}, follow=True)


def standing(order: int) -> tuple[str, int | None, int]:
    found = Order.objects.get(pk=order)
    return found.status, found.start_count, found.remains


def test_orders_by_hand_wait_and_others_do_not(dana: Client, alice: Customer, make_service: Callable[..., int]) -> None:
    manual, simulated = make_service(), make_service(fulfilment="simulated")
    [order], [other] = place(alice.id, manual), place(alice.id, simulated)
    assert shown(dana, service=manual) == [order]
    assert shown(dana, service=simulated) == []
    settle(order, status=Status.CANCELED)
    assert shown(dana, service=manual) == []
    assert dana.get(reverse("manual_work_order", args=[other])).status_code == 404


def test_what_one_has_taken_nobody_else_takes(dana: Client, erin: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    take(dana, order)
    take(erin, order)
    taker = OrderAssignment.objects.get(order=order).assignee
    assert dana.get(reverse("manual_work_order", args=[order])).context["is_mine"]
    assert shown(erin, service=service) == []
    assert shown(erin, whose="mine", service=service) == []
    assert shown(erin, whose="all", service=service) == [order]
    report(erin, order, "complete")
    assert standing(order)[0] == "Pending"
    assert OrderAssignment.objects.get(order=order).assignee == taker


def test_the_next_is_the_oldest_that_is_free(dana: Client, erin: Client, alice: Customer, service: int) -> None:
    first, second = place(alice.id, service, 2)
    for client, order in ((dana, first), (erin, second)):
        response = client.post(reverse("manual_work_next"), {"service": service})
        assert response.headers["Location"] == reverse("manual_work_order", args=[order])
    response = dana.post(reverse("manual_work_next"), {"service": service}, follow=True)
    assert "Nothing waits" in response.content.decode()


def test_progress_is_told_to_the_customer(dana: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    take(dana, order)
    report(dana, order, "save", start_count="500", remains="40")
    assert standing(order) == ("In progress", 500, 40)
    assert OrderEvent.objects.get(order=order).actor == OrderAssignment.objects.get(order=order).assignee.email


@pytest.mark.parametrize(
    ("told", "ended"),
    [
        ({"do": "complete", "remains": "30"}, ("Completed", "99.91")),
        ({"do": "partial", "remains": "40"}, ("Partial", "99.946")),
        ({"do": "cancel", "remains": ""}, ("Canceled", "100")),
    ],
)
def test_an_order_is_finished_and_let_go(
    dana: Client, alice: Customer, service: int, told: dict[str, str], ended: tuple[str, str]
) -> None:
    [order] = place(alice.id, service)
    take(dana, order)
    report(dana, order, **told)
    assert (standing(order)[0], LedgerAccount.objects.get(account=alice.id).balance) == (ended[0], Decimal(ended[1]))
    assert not OrderAssignment.objects.filter(order=order).exists()


@pytest.mark.parametrize("remains", ["", "0", "100"])
def test_a_partial_order_says_how_much_remains(dana: Client, alice: Customer, service: int, remains: str) -> None:
    [order] = place(alice.id, service)
    take(dana, order)
    assert "says how much remains" in report(dana, order, "partial", remains=remains).content.decode()
    assert standing(order)[0] == "Pending"


def test_no_more_remains_than_was_ordered(dana: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    take(dana, order)
    assert "It was ordered 100 only" in report(dana, order, "save", remains="101").content.decode()


def test_what_is_released_is_free_again(dana: Client, erin: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    take(dana, order)
    report(dana, order, "release")
    assert shown(erin, service=service) == [order]


def test_what_ends_otherwise_is_forgotten(dana: Client, alice: Customer, service: int) -> None:
    from tradepost.fulfilment.tasks.cleanup import delete_expired

    [order] = place(alice.id, service)
    take(dana, order)
    settle(order, status=Status.CANCELED)
    delete_expired(timestamp=0)
    assert not OrderAssignment.objects.filter(order=order).exists()


def test_a_subscription_by_hand_ends_without_counts(
    dana: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    service = make_service(type="Subscriptions", max=1000)
    [order] = place(alice.id, service, username="alice", min="10", max="20", delay="5", posts="3")
    take(dana, order)
    assert "Start count" not in dana.get(reverse("manual_work_order", args=[order])).content.decode()
    report(dana, order, "complete")
    assert standing(order)[0] == "Completed"


@pytest.mark.parametrize(
    ("button", "settled"), [("accept", ("accepted", "Partial")), ("reject", ("rejected", "In progress"))]
)
def test_a_cancel_request_is_settled_by_its_button(
    dana: Client, alice: Customer, service: int, button: str, settled: tuple[str, str]
) -> None:
    [order] = place(alice.id, service)
    settle(order, status=Status.IN_PROGRESS, remains=40)
    asked = CancelRequest.objects.create(order_id=order, account_id=alice.id)
    assert asked in [each for each, _ in dana.get(reverse("manual_work_cancels"), {"service": service}).context["rows"]]
    dana.post(reverse("manual_work_cancel", args=[asked.pk]), {button: "yes"})
    asked.refresh_from_db()
    assert (asked.state, standing(order)[0]) == settled


@pytest.mark.parametrize(
    ("button", "status"), [("accept", "In progress"), ("done", "Completed"), ("reject", "Rejected")]
)
def test_a_refill_is_settled_by_its_button(
    dana: Client, alice: Customer, service: int, button: str, status: str
) -> None:
    [order] = place(alice.id, service)
    settle(order, status=Status.COMPLETED)
    refill = Refill.objects.create(order_id=order, account_id=alice.id)
    assert refill in [
        each for each, _ in dana.get(reverse("manual_work_refills"), {"service": service}).context["rows"]
    ]
    dana.post(reverse("manual_work_refill", args=[refill.pk]), {button: "yes"})
    refill.refresh_from_db()
    assert refill.status == status


def test_charlie_works_on_nothing(charlie: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    asked = CancelRequest.objects.create(order_id=order, account_id=alice.id)
    refill = Refill.objects.create(order_id=order, account_id=alice.id)
    for name, arguments in (
        ("manual_work", []),
        ("manual_work_order", [order]),
        ("manual_work_cancels", []),
        ("manual_work_refills", []),
    ):
        assert charlie.get(reverse(name, args=arguments)).status_code == 403
    for name, arguments in (
        ("manual_work_next", []),
        ("manual_work_take", [order]),
        ("manual_work_order", [order]),
        ("manual_work_cancel", [asked.pk]),
        ("manual_work_refill", [refill.pk]),
    ):
        assert charlie.post(reverse(name, args=arguments)).status_code == 403
    assert standing(order)[0] == "Pending"


def test_who_fulfils_sees_no_money(dana: Client, alice: Customer, make_service: Callable[..., int]) -> None:
    service = make_service(rate=Decimal("7.77"))
    [order] = place(alice.id, service)
    take(dana, order)
    for address in (reverse("manual_work"), reverse("manual_work_order", args=[order]), reverse("manual_work_cancels")):
        page = dana.get(address).content.decode()
        assert "0.777" not in page
        assert "7.77" not in page
    assert dana.get(reverse("admin:orders_order_changelist")).status_code == 403


def test_the_queue_asks_as_little_for_thirty_as_for_three(dana: Client, alice: Customer, service: int) -> None:
    address = f"{reverse('manual_work')}?service={service}&whose=all"
    for order in place(alice.id, service, 3):
        take(dana, order)
    dana.get(address)
    few = queries(dana, address)
    place(alice.id, service, 27)
    assert len(queries(dana, address)) == len(few)
