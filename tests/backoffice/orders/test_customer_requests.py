"""Refills and cancel requests of services that are fulfilled by hand, settled by staff."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import member, sign_in
from tests.backoffice.test_lists import shown
from tests.builders import place, settle
from tests.conftest import Customer
from tradepost.engine.statuses import Status
from tradepost.orders.models import CancelRequest, Order, Refill


@pytest.fixture
def order(alice: Customer, make_service: Callable[..., int]) -> int:
    """An order of 100 that is in progress, with 40 undelivered."""
    [placed] = place(alice.id, make_service(refill=True, cancel=True))
    settle(placed, status=Status.IN_PROGRESS, remains=40)
    return placed


def act(client: Client, model: str, action: str, row: int) -> Any:
    """Tick a row and choose an action, as a browser does."""
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


def test_a_long_address_signs_as_much_as_fits(alice: Customer, order: int) -> None:
    from django.contrib.auth.models import Group

    from tradepost.accounts.models import Account

    client = Client()
    fulfiller = Account.objects.create_user(f"{order}-{'x' * 200}@backoffice.example", is_staff=True)
    fulfiller.groups.add(Group.objects.get(name="fulfiller"))
    client.force_login(fulfiller)
    asked = CancelRequest.objects.create(order_id=order, account_id=alice.id)
    act(client, "cancelrequest", "accept", asked.pk)
    ended = Order.objects.get(pk=order)
    assert ended.status == "Partial"
    assert ended.events.latest("id").actor == fulfiller.email[:80]


@pytest.mark.parametrize("model", ["refill", "cancelrequest"])
def test_whoever_fulfils_sees_neither_whose_it_is_nor_what_its_provider_calls_it(
    staff: Client, alice: Customer, order: int, model: str
) -> None:
    refill = Refill.objects.create(order_id=order, account_id=alice.id, upstream_id="there-77")
    row = {"refill": refill, "cancelrequest": CancelRequest.objects.create(order_id=order, account_id=alice.id)}[model]
    lists = (
        reverse(f"admin:orders_{model}_changelist"),
        reverse("manual_work_refills"),
        reverse("manual_work_cancels"),
    )
    addresses = (reverse(f"admin:orders_{model}_change", args=[row.pk]), *lists)
    dana = member("fulfiller")
    for address in addresses:
        response = dana.get(address)
        assert response.status_code == 200
        page = response.content.decode()
        assert alice.email not in page
        assert "there-77" not in page
    seen = staff.get(addresses[0]).content.decode()
    assert alice.email in seen
    assert ("there-77" in seen) == (model == "refill")


@pytest.mark.parametrize("guess", [{"upstream_id__startswith": "there"}, {"account__id__exact": "1"}])
def test_whoever_fulfils_finds_nothing_by_what_is_hidden(guess: dict[str, str]) -> None:
    address = reverse("admin:orders_refill_changelist")
    assert member("fulfiller").get(address, guess).status_code in {302, 400}


def test_whoever_fulfils_finds_nobody_by_an_address(alice: Customer, order: int) -> None:
    Refill.objects.create(order_id=order, account_id=alice.id)
    assert shown(member("fulfiller"), "orders_refill", q=alice.email) == []
