"""Canceling, refilling and repeating orders from the list: one by its row, many by their ticks."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from tests.builders import place, settle
from tests.conftest import Customer
from tests.panel.conftest import browser, page
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.engine.statuses import Status
from tradepost.orders.models import CancelRequest, Order, OrderEvent, Refill

ORDERS = "/orders/"
ACTIONS = "/orders/actions/"

type MakeService = Callable[..., int]


def act(client: Client, action: str, *orders: int, confirmed: bool = True, **form: str) -> str:
    """Send ticked orders, and return the text of the page that follows."""
    sent = {"action": action, "order": orders, **({"confirmed": "1"} if confirmed else {}), **form}
    response = client.post(ACTIONS, sent, follow=True)
    assert response.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def test_the_list_shows_how_orders_go_and_what_can_be_done(alice: Customer, make_service: MakeService) -> None:
    service = make_service(refill=True, cancel=True)
    moving, completed, odd = place(alice.id, service, times=2) + place(alice.id, service, link="javascript:alert(1)")
    settle(moving, status=Status.IN_PROGRESS, start_count=1_234, remains=40)
    settle(completed, status=Status.COMPLETED)
    text = page(browser(alice), ORDERS)
    for part in ("1,234", 'data-label="Remains">40</td>', 'value="60"'):
        assert part in text
    link = 'href="https://example.com/page" rel="noopener noreferrer nofollow" target="_blank"'
    assert text.count(link) == 2
    assert 'href="javascript:' not in text
    assert 'data-copy-text="https://example.com/page"' in text
    assert f'data-copy-text="{moving}"' in text
    buttons = set(re.findall(r'id="(cancel|refill|again)(\d+)"', text))
    assert buttons == {
        ("cancel", str(moving)), ("cancel", str(odd)), ("refill", str(completed)),
        *(("again", str(order)) for order in (moving, completed, odd)),
    }  # fmt: skip


def test_many_are_canceled_after_a_confirmation_that_says_what_will_be_left_out(
    alice: Customer, make_service: MakeService
) -> None:
    service = make_service(cancel=True)
    waiting, moving, over, other = *place(alice.id, service, times=3), *place(alice.id, make_service())
    settle(moving, status=Status.IN_PROGRESS)
    settle(over, status=Status.COMPLETED)
    client = browser(alice)
    asked = act(client, "cancel", waiting, moving, over, other, confirmed=False)
    assert "Cancel 4 orders?" in asked
    assert "Cancel 2 orders" in asked
    assert "Skipped: its status is Completed" in asked
    assert Order.objects.get(pk=waiting).status == Status.PENDING.value
    done = act(client, "cancel", waiting, moving, over, other)
    assert "Done: 2. Not done: 2." in done
    for text in (
        f"#{waiting} Followers https://example.com/page Done Canceled. Refunded: 0.09",
        f"#{moving} Followers https://example.com/page Done Cancellation requested.",
        f"#{over} Followers https://example.com/page Not done Skipped: its status is Completed",
        f"#{other} Followers https://example.com/page Not done This service can't be canceled",
    ):
        assert text in done
    assert list(CancelRequest.objects.filter(account=alice.id).values_list("order", flat=True)) == [moving]
    assert "A cancellation was requested before" in act(client, "cancel", moving)


def test_many_are_refilled_once_and_each_refusal_has_its_reason(alice: Customer, make_service: MakeService) -> None:
    service, early = make_service(refill=True), make_service(refill=True, refill_wait_hours=24)
    completed, moving = place(alice.id, service, times=2)
    [young], [none] = place(alice.id, early), place(alice.id, make_service())
    for order in (completed, young, none):
        settle(order, status=Status.COMPLETED)
    client = browser(alice)
    done = act(client, "refill", completed, moving, young, none)
    assert "Done: 1. Not done: 3." in done
    for text in (
        "Done Refill requested",
        "Only completed orders can be refilled. Its status is Pending",
        "It's too early for a refill, or the time for refills is over",
        "This service has no refills",
    ):
        assert text in done
    assert list(Refill.objects.filter(account=alice.id).values_list("order", flat=True)) == [completed]
    assert "A refill was requested before" in act(client, "refill", completed)


def test_a_button_of_a_row_is_about_that_order_and_leads_back_to_the_page(
    alice: Customer, make_service: MakeService
) -> None:
    order, ticked = place(alice.id, make_service(cancel=True), times=2)
    form = {"cancel": str(order), "order": [str(ticked)], "confirmed": "1", "back": "status=Pending&q=example"}
    response = browser(alice).post(ACTIONS, form)
    assert response.headers["Location"] == f"{ORDERS}?status=Pending&q=example"
    assert Order.objects.get(pk=order).status == Status.CANCELED.value
    assert Order.objects.get(pk=ticked).status == Status.PENDING.value


def test_another_customers_orders_are_not_touched(alice: Customer, bob: Customer, make_service: MakeService) -> None:
    service = make_service(cancel=True)
    [own], [foreign] = place(alice.id, service), place(bob.id, service)
    act(browser(alice), "cancel", own, foreign)
    assert Order.objects.get(pk=foreign).status == Status.PENDING.value
    assert Order.objects.get(pk=own).status == Status.CANCELED.value
    assert "Select an order first." in act(browser(alice), "cancel", foreign)


def test_test_orders_are_canceled_with_the_others(alice: Customer, make_service: MakeService) -> None:
    account = Account.objects.get(pk=alice.id)
    keys.create(account, test=True)
    service = make_service(cancel=True)
    [real], [test] = place(alice.id, service), place(Account.objects.get(test_of=account).pk, service)
    assert "Done: 2. Not done: 0." in act(browser(alice), "cancel", real, test)


def test_nothing_ticked_and_too_many_ticked_are_said(alice: Customer) -> None:
    client = browser(alice)
    assert "Select an order first." in act(client, "cancel")
    assert "At most 100 orders at once." in act(client, "cancel", *range(1, 102))


def test_what_staff_does_as_a_customer_bears_both_names(alice: Customer, make_service: MakeService) -> None:
    from tradepost.accounts.models import Impersonation

    orders = place(alice.id, make_service(cancel=True), times=2)
    staff = Account.objects.create_superuser("helper@example.com", "secret")
    client = browser(alice)
    session = client.session
    session["acting"] = Impersonation.objects.create(
        account_id=alice.id, staff=staff, reason="Asked", expires_at=timezone.now() + timedelta(hours=1)
    ).pk
    session.save()
    act(client, "cancel", *orders)
    actors = set(OrderEvent.objects.filter(order__in=orders).values_list("actor", flat=True))
    assert len(actors) == 1
    assert "helper@example.com" in actors.pop()


def test_one_order_again_fills_the_order_form_and_many_fill_the_mass_order(
    alice: Customer, bob: Customer, make_service: MakeService
) -> None:
    service = make_service(dripfeed=True)
    first, second = place(alice.id, service, times=2)
    [fed], [foreign] = place(alice.id, service, runs="2", interval="5"), place(bob.id, service)
    client = browser(alice)
    one = client.post(ACTIONS, {"action": "again", "order": [str(first)]})
    assert one.headers["Location"] == f"/orders/new/?service={service}&again={first}"
    many = client.post(ACTIONS, {"action": "again", "order": [str(first), str(second), str(fed), str(foreign)]})
    text = page(client, many.headers["Location"])
    assert text.count(f"{service} | https://example.com/page | 100") == 2
    assert f"need more than a link and a quantity: {fed}." in text
    assert f"{service} |" not in page(client, f"/orders/mass/?again={foreign}")
