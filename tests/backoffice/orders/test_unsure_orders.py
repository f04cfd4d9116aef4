"""Orders that only a person can settle: shown with their evidence, and settled by the engine in that person's name."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from tests.builders import attempt, make_offer, make_provider, place, route
from tests.conftest import Customer
from tests.waiting import until_blocked_by


@pytest.fixture
def offer(service: int) -> Any:
    """A provider's service to which the service has a route. Orders that the provider refuses are held."""
    from tradepost.catalog.models import Service

    Service.objects.filter(pk=service).update(on_refusal="hold")
    made = make_offer(make_provider())
    route(service, made)
    return made


@pytest.fixture
def unsure(alice: Customer, service: int, offer: Any) -> int:
    """An order of Alice's that may or may not exist at its provider."""
    [order] = place(alice.id, service)
    attempt(offer.provider_id, order, "unsure", response="server error (status 502) <html>")
    return order


@pytest.fixture
def held(alice: Customer, service: int, offer: Any) -> int:
    """An order of Alice's that its provider has refused."""
    [order] = place(alice.id, service)
    attempt(offer.provider_id, order, "declined", response="Bad link")
    return order


def press(client: Client, button: str, order: int, **fields: Any) -> Any:
    """Press a button on an order's page, confirm its dialog, and return the order's page."""
    response = client.post(reverse(f"admin:orders_order_{button}", args=[order]), {"_form_submitted": "on", **fields})
    if "HX-Redirect" not in response.headers:
        return response
    return client.get(response.headers["HX-Redirect"])


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def standing(order: int) -> tuple[str, str]:
    from tradepost.orders.models import Order

    found = Order.objects.get(pk=order)
    return found.status, found.dispatch


def balance(customer: Customer) -> Decimal | None:
    from tradepost.ledger.models import LedgerAccount

    return LedgerAccount.objects.get(account=customer.id).balance


def test_the_list_shows_what_waits_for_a_person_and_nothing_else(
    staff: Client, alice: Customer, service: int, unsure: int, held: int
) -> None:
    [queued] = place(alice.id, service)

    def shown(**parameters: str) -> set[int]:
        response = staff.get(reverse("admin:orders_upstreamorder_changelist"), parameters)
        return {row.pk for row in response.context["cl"].result_list}

    assert {unsure, held} <= shown()
    assert queued not in shown()
    assert unsure in shown(state="unsure")
    assert held not in shown(state="unsure")
    assert shown(q=str(held)) == {held}


def test_a_row_leads_to_the_order_with_its_evidence(staff: Client, unsure: int) -> None:
    response = staff.get(reverse("admin:orders_upstreamorder_change", args=[unsure]))
    assert response.headers["Location"] == reverse("admin:orders_order_change", args=[unsure])
    page = staff.get(response.headers["Location"]).content.decode()
    for part in ("server error (status 502) &lt;html&gt;", "https://example.com/page", "Provider has it (enter id)"):
        assert part in page
    assert "attempts at providers" in page.lower()


def test_an_order_that_exists_is_followed_under_its_id(staff: Client, unsure: int) -> None:
    from tradepost.orders.models import OrderEvent, UpstreamOrder

    assert said(press(staff, "found", unsure, upstream_id=" 8812 ")) == "It is followed as 8812."
    assert standing(unsure) == ("Pending", "sent")
    assert UpstreamOrder.objects.get(pk=unsure).upstream_id == "8812"
    assert OrderEvent.objects.filter(order=unsure).latest("id").actor.endswith("@backoffice.example")


def test_the_id_of_another_order_is_not_taken(
    staff: Client, alice: Customer, service: int, offer: Any, unsure: int
) -> None:
    [other] = place(alice.id, service)
    attempt(offer.provider_id, other, "sent", upstream_id="4711")
    assert "another order of ours has the id 4711" in said(press(staff, "found", unsure, upstream_id="4711"))
    assert standing(unsure) == ("Pending", "unsure")


def test_an_id_has_to_be_given(staff: Client, unsure: int) -> None:
    assert "This field is required" in press(staff, "found", unsure, upstream_id="").content.decode()
    assert standing(unsure) == ("Pending", "unsure")


@pytest.mark.parametrize("which", ["unsure", "held"])
def test_an_order_that_does_not_exist_is_sent_again(
    staff: Client, which: str, request: pytest.FixtureRequest, offer: Any
) -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    order = request.getfixturevalue(which)
    assert "It is queued" in said(press(staff, "send_again", order))
    assert standing(order) == ("Pending", "queued")
    assert ProcrastinateJob.objects.filter(queueing_lock=f"visit {offer.provider_id}", status="todo").exists()


def test_the_route_of_an_order_under_way_is_closed_but_not_deleted(unsure: int) -> None:
    from django.db.models import ProtectedError

    from tradepost.providers.models import Route

    with pytest.raises(ProtectedError):
        Route.objects.filter(service__orders=unsure).delete()


@pytest.mark.parametrize("which", ["unsure", "held"])
def test_an_order_is_canceled_and_given_back_once(
    staff: Client, alice: Customer, which: str, request: pytest.FixtureRequest
) -> None:
    from tradepost.ledger.models import Transfer

    order = request.getfixturevalue(which)
    assert "Canceled and refunded." in said(press(staff, "cancel", order))
    assert standing(order)[0] == "Canceled"
    assert balance(alice) == Decimal(100)
    assert press(staff, "cancel", order).status_code == 403
    assert Transfer.objects.filter(order=order, kind="cancel").count() == 1


@pytest.mark.parametrize("button", ["cancel", "send_again", "found"])
def test_what_somebody_else_settles_meanwhile_says_so(
    staff: Client, unsure: int, button: str, connect: Callable[[], psycopg.Connection]
) -> None:
    """Press the button while another transaction, which settles the order, is still open."""
    from tradepost.engine import dispatching

    other = connect()
    assert dispatching.confirm_sent(other, unsure, f"there-{unsure}", actor="somebody else")
    with ThreadPoolExecutor(1) as threads:
        pressed = threads.submit(press, staff, button, unsure, upstream_id="99")
        until_blocked_by(other)
        other.commit()
        assert "meanwhile the order has moved on" in said(pressed.result())
        threads.submit(connections.close_all).result()
    assert standing(unsure) == ("Pending", "sent")


def test_what_is_held_is_not_said_to_exist(staff: Client, held: int) -> None:
    assert press(staff, "found", held, upstream_id="1").status_code == 403


@pytest.mark.parametrize("button", ["found", "send_again", "cancel"])
def test_charlie_settles_nothing(charlie: Client, unsure: int, button: str) -> None:
    assert press(charlie, button, unsure, upstream_id="1").status_code == 403
    assert standing(unsure) == ("Pending", "unsure")


def test_an_order_by_hand_has_no_attempts_and_nothing_to_settle(staff: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    page = staff.get(reverse("admin:orders_order_change", args=[order])).content.decode()
    assert "attempts at providers" not in page.lower()
    for button in ("found", "send_again", "send_elsewhere", "set_partial", "cancel"):
        assert reverse(f"admin:orders_order_{button}", args=[order]) not in page
