"""Orders that are held or unclear: staff sends, diverts, ends or cancels them, and says what unknown words mean."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from tests.backoffice.orders.test_unsure_orders import balance, press, said, standing
from tests.builders import attempt, make_offer, make_provider, place, route
from tests.conftest import Customer
from tradepost.orders.models import Order, UpstreamOrder
from tradepost.providers.models import RefusalText, RoutePause

LIST = "admin:orders_upstreamorder_changelist"


@pytest.fixture
def offer() -> Any:
    return make_offer(make_provider())


@pytest.fixture
def routed(make_service: Callable[..., int], offer: Any) -> int:
    """A service whose orders go to one provider."""
    service = make_service()
    route(service, offer)
    return service


@pytest.fixture
def held(alice: Customer, routed: int, offer: Any) -> list[int]:
    """Two orders that were refused with words that nobody knows, and are held."""
    orders = []
    for _ in range(2):
        [order] = place(alice.id, routed)
        attempt(offer.provider_id, order, "held", response="Quantum flux")
        orders.append(order)
    RoutePause.objects.create(
        route=offer.routes.get(), meaning="unknown", reason="Quantum flux", until=Now() + timedelta(hours=1)
    )
    return orders


def act(client: Client, action: str, orders: list[int]) -> Any:
    return client.post(reverse(LIST), {"action": action, "_selected_action": orders}, follow=True)


def shown(client: Client, **parameters: str) -> set[int]:
    return {row.pk for row in client.get(reverse(LIST), parameters).context["cl"].result_list}


def alerts(client: Client) -> str:
    return " ".join(alert.text for alert in client.get(reverse("admin:index")).context["alerts"])


def test_held_orders_are_listed_with_the_reason_and_raise_an_alert_at_once(staff: Client, held: list[int]) -> None:
    assert set(held) <= shown(staff, state="unexplained")
    page = staff.get(reverse(LIST)).content.decode()
    assert "Refused, reason not known" in page
    assert "Quantum flux" in page
    assert "«Quantum flux». Nobody has said what that means" in alerts(staff)


def test_held_orders_are_sent_again_with_one_click(staff: Client, held: list[int]) -> None:
    assert "2 queued again" in said(act(staff, "send_held", held))
    assert {standing(order) for order in held} == {("Pending", "queued")}
    assert set(UpstreamOrder.objects.filter(order__in=held).values_list("review_reason", flat=True)) == {""}


def test_held_orders_go_by_another_route_with_one_click(staff: Client, routed: int, held: list[int]) -> None:
    assert "left as they are" in said(act(staff, "send_elsewhere", held))
    assert {standing(order) for order in held} == {("Pending", "refused")}
    other = make_offer(make_provider())
    route(routed, other, position=2)
    assert "2 queued for another route" in said(act(staff, "send_elsewhere", held))
    assert set(UpstreamOrder.objects.filter(order__in=held).values_list("provider", flat=True)) == {other.provider_id}


def test_held_orders_are_canceled_and_refunded_with_one_click(staff: Client, alice: Customer, held: list[int]) -> None:
    before = balance(alice)
    assert before is not None
    assert "2 canceled and refunded" in said(act(staff, "cancel_held", held))
    assert {standing(order) for order in held} == {("Canceled", "refused")}
    assert balance(alice) == before + sum(Order.objects.filter(pk__in=held).values_list("charge", flat=True))


def test_the_page_of_a_held_order_sends_it_by_another_route(staff: Client, routed: int, held: list[int]) -> None:
    assert "no other open route" in said(press(staff, "send_elsewhere", held[0]))
    route(routed, make_offer(make_provider()), position=2)
    assert "queued for another route" in said(press(staff, "send_elsewhere", held[0]))


@pytest.fixture
def unclear(alice: Customer, routed: int, offer: Any) -> int:
    """An order that its provider calls partial, without saying how much remains."""
    [order] = place(alice.id, routed)
    attempt(offer.provider_id, order, "sent", upstream_id="771")
    UpstreamOrder.objects.filter(pk=order).update(review_reason="no remains", last_message="Partial|None|None|0|")
    return order


def test_an_order_whose_remains_are_not_said_is_ended_by_a_person_who_knows(
    staff: Client, alice: Customer, unclear: int
) -> None:
    assert unclear in shown(staff, state="no remains")
    assert "does not say how much remains" in alerts(staff)
    before = balance(alice)
    assert "what remains is refunded" in said(press(staff, "set_partial", unclear, remains="40"))
    found = Order.objects.get(pk=unclear)
    assert (found.status, found.remains) == ("Partial", 40)
    assert before is not None
    assert balance(alice) == before + found.refunded
    assert press(staff, "set_partial", unclear, remains="40").status_code in {302, 403}


def test_an_order_with_an_unknown_status_is_listed_with_the_providers_words(
    staff: Client, alice: Customer, unclear: int
) -> None:
    UpstreamOrder.objects.filter(pk=unclear).update(review_reason="status", last_message="None|None|None|0|status Fail")
    assert unclear in shown(staff, state="status")
    assert "status Fail" in staff.get(reverse(LIST)).content.decode()
    assert "status that is not known" in alerts(staff)
    before = balance(alice)
    press(staff, "cancel", unclear)
    assert standing(unclear)[0] == "Canceled"
    assert before is not None
    assert balance(alice) == before + Order.objects.get(pk=unclear).charge


def test_an_operator_says_once_what_unknown_words_mean(staff: Client, offer: Any, held: list[int]) -> None:
    text = RefusalText.objects.create(provider_id=offer.provider_id, key="quantum flux", text="Quantum <flux>", count=2)
    assert "to be explained" in alerts(staff)
    listed = staff.get(reverse("admin:providers_refusaltext_changelist"), {"meaning__exact": "unknown"})
    assert escape("Quantum <flux>") in listed.content.decode()
    page = reverse("admin:providers_refusaltext_change", args=[text.pk])
    response = staff.post(page, {"meaning": "off", "is_for_all": "on"}, follow=True)
    assert "services that waited are tried again" in said(response)
    text.refresh_from_db()
    assert (text.meaning, text.is_for_all, text.text) == ("off", True, "Quantum <flux>")
    assert {standing(order) for order in held} == {("Pending", "queued")}
    address = reverse("admin:providers_refusaltext_history", args=[text.pk])
    history = staff.get(address, follow=True).content.decode()
    assert "meaning" in history.lower()


def test_failed_cancels_and_refills_are_listed_with_the_providers_words(
    staff: Client, alice: Customer, unclear: int
) -> None:
    from tradepost.orders.models import CancelRequest, Refill

    request = CancelRequest.objects.create(
        order_id=unclear, account_id=alice.id, state="failed", response="No such action"
    )
    Refill.objects.create(order_id=unclear, account_id=alice.id, status="Error", response="Come tomorrow")
    text = alerts(staff)
    assert re.search("cancel requests? without a clear answer", text)
    assert re.search("refills? without a clear answer", text)
    cancels = reverse("admin:orders_cancelrequest_changelist")
    assert "No such action" in staff.get(cancels, {"state__exact": "failed"}).content.decode()
    staff.post(cancels, {"action": "accept", "_selected_action": [request.pk]}, follow=True)
    request.refresh_from_db()
    assert (request.state, standing(unclear)[0]) == ("accepted", "Canceled")
