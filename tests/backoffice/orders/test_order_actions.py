"""The buttons of one order's page, and its notes: one click, one confirmation, the same rules as for many orders."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import me, member
from tests.backoffice.orders.test_bulk_actions import carry_out, choose, outcomes, page
from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tradepost.accounts.models import Impersonation
from tradepost.engine.statuses import Status
from tradepost.orders.models import Order, OrderEvent, OrderNote, Refill

pytestmark = pytest.mark.usefixtures("workers_at_rest")

LINK = "https://example.com/page"


def press(client: Client, button: str, order: int, **fields: Any) -> Any:
    return client.post(reverse(f"admin:orders_order_{button}", args=[order]), {"_form_submitted": "on", **fields})


def told(client: Client, response: Any) -> str:
    """Follow the redirect of a dialog, and return the messages on the page."""
    shown = client.get(response.headers["HX-Redirect"])
    return " ".join(str(message) for message in shown.context["messages"])


def buttons(client: Client, order: int) -> str:
    return client.get(reverse("admin:orders_order_change", args=[order])).content.decode()


@pytest.fixture
def support() -> Client:
    return member("support")


@pytest.fixture
def order(alice: Customer, service: int) -> int:
    """An order that nobody has begun."""
    [made] = place(alice.id, service)
    return made


@pytest.fixture
def sent(alice: Customer, make_service: Callable[..., int]) -> int:
    """An order at a provider."""
    service = make_service()
    offer = make_offer(make_provider(), upstream_id=f"s{service}")
    route(service, offer)
    [made] = place(alice.id, service)
    attempt(offer.provider_id, made, "sent", upstream_id=f"there-{made}")
    return made


@pytest.mark.parametrize(
    ("button", "fields", "expected"),
    [
        ("cancel_now", {}, ("Canceled", "Canceled and refunded.")),
        ("complete", {}, ("Completed", "Completed.")),
        ("partial_now", {"remains": "40"}, ("Partial", "Partial. What remains is refunded.")),
        ("set_counts", {"start_count": "7", "remains": "60"}, ("Pending", "Start count and remains are saved.")),
        ("edit_link", {"link": "https://example.com/other"}, ("Pending", "The link is changed.")),
    ],
)
def test_support_does_with_one_click_and_one_confirmation_what_customers_ask_for(
    support: Client, order: int, button: str, fields: dict[str, str], expected: tuple[str, str]
) -> None:
    address = reverse(f"admin:orders_order_{button}", args=[order])
    assert address in buttons(support, order)
    assert support.get(address).status_code == 200
    said = told(support, press(support, button, order, **fields))
    assert (Order.objects.get(pk=order).status, said) == expected


def test_what_a_person_does_is_signed_and_reaches_the_order(support: Client, order: int) -> None:
    press(support, "set_counts", order, start_count="7", remains="60")
    changed = Order.objects.get(pk=order)
    assert (changed.start_count, changed.remains) == (7, 60)
    press(support, "cancel_now", order)
    assert OrderEvent.objects.get(order=order, to_status="Canceled").actor == me(support).email


def test_more_cannot_remain_than_was_ordered(support: Client, order: int) -> None:
    assert "100 at most" in press(support, "set_counts", order, remains="101").content.decode()


def test_a_button_that_would_do_nothing_is_not_there(support: Client, order: int) -> None:
    settle(order, status=Status.CANCELED)
    shown = buttons(support, order)
    for button in ("cancel_now", "complete", "partial_now", "set_counts", "edit_link", "refill", "tell_provider"):
        assert press(support, button, order).status_code == 403
        assert reverse(f"admin:orders_order_{button}", args=[order]) not in shown


def test_a_refill_is_requested_once_from_the_page_and_by_many(
    support: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    first, second, active = place(alice.id, make_service(refill=True, refill_days=0), 3)
    [never] = place(alice.id, make_service(refill=False))
    for completed in (first, second, never):
        settle(completed, status=Status.COMPLETED)
    assert "Refill requested." in told(support, press(support, "refill", first))
    assert press(support, "refill", first).status_code == 403
    action = carry_out(support, choose(support, "refill", first, second, active, never))
    assert outcomes(action) == {
        first: ("skipped", "has a refill that has not ended"),
        second: ("done", ""),
        active: ("skipped", "is Pending"),
        never: ("skipped", "is of a service without refills"),
    }
    assert Refill.objects.filter(order__in=[first, second, active, never], account=alice.id).count() == 2


def test_notes_are_shown_to_staff_in_order_of_time_and_never_to_the_customer(support: Client, order: int) -> None:
    for text in ("He wrote twice", "Called back <b>"):
        assert "The note is saved." in told(support, press(support, "write_note", order, text=text))
    shown = buttons(support, order)
    assert shown.index("He wrote twice") < shown.index("Called back &lt;b&gt;")
    customer = Client()
    customer.force_login(OrderNote.objects.filter(order=order)[0].order.account)
    assert "He wrote twice" not in customer.get(reverse("panel:order", args=[order])).content.decode()


def test_the_provider_is_told_in_its_own_words_and_that_is_noted(staff: Client, support: Client, sent: int) -> None:
    dialog = staff.get(reverse("admin:orders_order_tell_provider", args=[sent])).content.decode()
    attempted = Order.objects.get(pk=sent).attempts.get()
    line = f"there-{sent}, service {attempted.provider_service.upstream_id}, {LINK}"
    assert line in dialog
    press(staff, "tell_provider", sent, text=f"Faster, please:\n{line}")
    note = OrderNote.objects.get(order=sent)
    assert note.text.replace("\r", "") == f"To {attempted.provider}: Faster, please:\n{line}"
    assert f"there-{sent}, service" in buttons(staff, sent)
    seen = buttons(support, sent)
    assert "The provider was told." in seen
    assert f"there-{sent}, service" not in seen
    assert press(support, "tell_provider", sent, text="Hm").status_code == 403


def test_many_orders_become_one_message_for_each_provider(
    staff: Client, alice: Customer, make_service: Callable[..., int], order: int
) -> None:
    placed, providers = [], []
    for _ in range(2):
        service, provider = make_service(), make_provider()
        providers.append(provider)
        route(service, make_offer(provider))
        for _ in range(2):
            [made] = place(alice.id, service)
            attempt(provider.pk, made, "sent", upstream_id=f"there-{made}")
            placed.append(made)
    action = choose(staff, "tell_provider", order, *placed)
    carry_out(staff, action, text="Please speed up:")
    assert outcomes(action)[order] == ("skipped", "has no id at a provider")
    messages = staff.get(page(action)).context["provider_messages"]
    assert [(message.provider, message.orders) for message in messages] == [(str(each), 2) for each in providers]
    assert messages[0].text.splitlines()[0] == "Please speed up:"
    assert f"there-{placed[0]}, service" in messages[0].text
    assert OrderNote.objects.filter(order__in=placed, is_to_provider=True).count() == 4
    support = member("support")
    assert support.get(page(action)).context["provider_messages"] == []


def test_staff_sees_an_order_as_its_customer_does_for_a_reason(support: Client, alice: Customer, order: int) -> None:
    assert "This field is required" in press(support, "as_customer", order, user_pk=alice.id).content.decode()
    response = press(support, "as_customer", order, user_pk=alice.id, reason="He sees no progress")
    assert response.headers["HX-Redirect"] == reverse("panel:order", args=[order])
    assert support.get(reverse("panel:order", args=[order])).status_code == 200
    assert Impersonation.objects.filter(account=alice.id).latest("id").reason == "He sees no progress"


def test_the_page_as_a_customer_is_of_the_orders_own_customer_only(support: Client, bob: Customer, order: int) -> None:
    response = press(support, "as_customer", order, user_pk=bob.id, reason="Another")
    assert "HX-Redirect" not in response.headers
    assert not Impersonation.objects.filter(account=bob.id, reason="Another").exists()


def test_charlie_and_fulfillers_have_no_buttons(charlie: Client, order: int) -> None:
    for client in (charlie, member("fulfiller")):
        for button in ("cancel_now", "complete", "refill", "write_note", "tell_provider", "as_customer"):
            assert press(client, button, order).status_code == 403


def test_the_page_asks_as_little_for_many_notes_as_for_one(staff: Client, order: int) -> None:
    from django.test.utils import CaptureQueriesContext

    counts = []
    for _ in range(2):
        press(staff, "write_note", order, text="Once more")
        buttons(staff, order)
        with CaptureQueriesContext(connection) as queries:
            buttons(staff, order)
        counts.append(len(queries))
    assert counts[0] == counts[1]
