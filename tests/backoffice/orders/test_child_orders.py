"""Drip-feeds, subscriptions and test orders in the back office."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import sign_in
from tests.backoffice.orders.test_bulk_actions import carry_out, choose, no_jobs_left
from tests.backoffice.test_lists import shown
from tests.builders import place
from tests.conftest import Customer
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.fulfilment.tasks.drip_feeds import make_due_runs
from tradepost.orders.models import Order

__all__ = ["no_jobs_left"]  # a fixture that pytest uses by its name
ORDERS = "admin:orders_order_changelist"


@pytest.fixture
def subscription(alice: Customer, make_service: Callable[..., int]) -> int:
    service = make_service(type="Subscriptions", max=1000)
    [order] = place(alice.id, service, username="alice", min="10", max="20", delay="5", posts="3")
    return order


def act(client: Client, action: str, *orders: int) -> int:
    """Tick orders and choose an action; return the response's status code."""
    form = {"action": action, "_selected_action": [str(order) for order in orders]}
    return client.post(reverse(ORDERS), form).status_code


def status(order: int) -> str:
    return Order.objects.get(pk=order).status


def test_staff_pauses_and_resumes_a_subscription(staff: Client, subscription: int) -> None:
    carry_out(staff, choose(staff, "pause", subscription))
    assert status(subscription) == "Paused"
    carry_out(staff, choose(staff, "resume", subscription))
    assert status(subscription) == "Active"


def test_what_is_no_subscription_is_left_as_it_is(staff: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    assert carry_out(staff, choose(staff, "pause", order)).skipped == 1
    assert status(order) == "Pending"


def test_who_may_only_look_pauses_nothing(subscription: int) -> None:
    from django.contrib.auth.models import Permission

    looking = sign_in(is_staff=True)
    account = Account.objects.latest("id")
    account.user_permissions.add(Permission.objects.get(codename="view_order"))
    act(looking, "pause", subscription)
    assert status(subscription) == "Active"


def test_a_drip_feed_and_its_runs_lead_to_each_other(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    [dripfeed] = place(alice.id, make_service(dripfeed=True), runs="3", interval="60")
    make_due_runs(timestamp=0)
    [made] = Order.objects.filter(parent=dripfeed)
    page = staff.get(reverse("admin:orders_order_change", args=[dripfeed])).content.decode()
    assert "1 of 3" in page
    assert "every 1 hr, the next one at" in page
    assert shown(staff, "orders_order", parent=dripfeed) == [made.pk]
    page = staff.get(reverse("admin:orders_order_change", args=[made.pk])).content.decode()
    assert f'Number 1 of <a class="tp-link" href="{reverse("admin:orders_order_change", args=[dripfeed])}"' in page


def test_a_test_account_is_no_account_to_look_after_but_its_orders_and_keys_are_shown(
    staff: Client, alice: Customer, service: int
) -> None:
    keys.create(Account.objects.get(pk=alice.id), test=True)
    test = Account.objects.get(test_of=alice.id)
    [order] = place(test.pk, service)
    assert test.pk not in shown(staff, "accounts_account")
    assert len(shown(staff, "accounts_key", q=alice.email)) == 2
    page = staff.get(reverse("admin:orders_order_change", args=[order])).content.decode()
    assert f"{alice.email} (test)" in page
    assert reverse("admin:accounts_account_change", args=[alice.id]) in page
    assert test.ledger_account.pk in shown(staff, "ledger_ledgeraccount", owner="test")
