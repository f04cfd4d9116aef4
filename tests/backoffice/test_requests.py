"""Refills and cancel requests of services by hand, settled by staff."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.conftest import place, settle, sign_in
from tests.conftest import Customer
from tradepost.engine.statuses import Status
from tradepost.orders.models import CancelRequest, Order, Refill


@pytest.fixture
def order(alice: Customer, make_service: Callable[..., int]) -> int:
    """An order of 100 that is in progress, 40 of it undelivered."""
    [placed] = place(alice.id, make_service(refill=True, cancel=True))
    settle(placed, status=Status.IN_PROGRESS, remains=40)
    return placed


def act(client: Client, model: str, action: str, row: int) -> Any:
    """Tick a row and choose an action, as in the browser."""
    url = reverse(f"admin:orders_{model}_changelist")
    return client.post(url, {"action": action, "_selected_action": [row]}, follow=True)


def test_an_accepted_cancel_gives_back_what_remains(staff: Client, alice: Customer, order: int) -> None:
    asked = CancelRequest.objects.create(order_id=order, account_id=alice.id)
    act(staff, "cancelrequest", "accept", asked.pk)
    ended = Order.objects.get(pk=order)
    asked.refresh_from_db()
    assert (ended.status, ended.remains, asked.state) == ("Partial", 40, "accepted")
    assert ended.refunded == ended.charge * 40 / 100


def test_a_rejected_cancel_lets_the_order_go_on(staff: Client, alice: Customer, order: int) -> None:
    asked = CancelRequest.objects.create(order_id=order, account_id=alice.id)
    act(staff, "cancelrequest", "reject", asked.pk)
    asked.refresh_from_db()
    assert (Order.objects.get(pk=order).status, asked.state) == ("In progress", "rejected")


@pytest.mark.parametrize(
    ("action", "status"), [("start", "In progress"), ("complete", "Completed"), ("reject", "Rejected")]
)
def test_a_refill_is_moved_on(staff: Client, alice: Customer, order: int, action: str, status: str) -> None:
    refill = Refill.objects.create(order_id=order, account_id=alice.id)
    act(staff, "refill", action, refill.pk)
    refill.refresh_from_db()
    assert refill.status == status


def test_whoever_may_only_look_settles_nothing(alice: Customer, order: int) -> None:
    from django.contrib.auth.models import Permission

    from tradepost.accounts.models import Account

    looker = sign_in(is_staff=True)
    account = Account.objects.latest("id")
    account.user_permissions.add(*Permission.objects.filter(codename__in=["view_refill", "view_cancelrequest"]))
    asked = CancelRequest.objects.create(order_id=order, account_id=alice.id)
    refill = Refill.objects.create(order_id=order, account_id=alice.id)
    act(looker, "cancelrequest", "accept", asked.pk)
    act(looker, "refill", "complete", refill.pk)
    asked.refresh_from_db()
    refill.refresh_from_db()
    assert (asked.state, refill.status, Order.objects.get(pk=order).status) == ("open", "Pending", "In progress")
