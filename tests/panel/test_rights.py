"""Who may open which page: visitors, another customer, a suspended one. Also forms with hostile input."""

from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils.crypto import get_random_string

from tests.conftest import Customer
from tests.panel.conftest import Belongings, browser
from tradepost.accounts.models import Account
from tradepost.panel.urls import urlpatterns

PUBLIC = (
    "home",
    "favicon",
    "services",
    "service_changes",
    "api_docs",
    "console",
    "terms",
    "robots",
    "security_contact",
)
ROUTES = [route for route in urlpatterns if isinstance(route, URLPattern)]
PRIVATE = [str(route.name) for route in ROUTES if route.name not in PUBLIC]
POSTED = ("charge", "cancel", "refill", "order_actions", "favourite", "revoke_key")
ONES_OWN = ("order", "cancel", "refill", "revoke_key")
FORMS = {
    "new_order": ("service", "name", "link", "quantity", "runs", "interval", "comments"),
    "charge": ("service", "link", "quantity", "runs"),
    "mass_order": ("orders", "name"),
    "order_actions": ("order", "action", "cancel", "refill", "back"),
    "keys": ("name", "scope", "networks", "test"),
    "settings": ("name", "language", "timezone", "theme"),
}
SEARCHES = {
    "new_order": ("service", "q", "category", "placed", "again"),
    "found_services": ("q", "category", "service"),
    "mass_order": ("again",),
    "orders": ("status", "q", "service", "from", "to", "before", "after", "test"),
    "orders_export": ("status", "q", "from"),
    "dripfeeds": ("before", "after"),
    "refills": ("before", "after"),
    "services": ("q", "category", "from"),
    "money": ("kind", "from", "to", "before"),
    "money_export": ("kind", "from", "to"),
}
JUNK = (
    "\x00",
    "-1",
    "9" * 40,
    "²³",
    "💸🧾" * 40,
    "%' OR 1=1 --",
    "<script>alert(1)</script>",
    "0001-01-01",
    "9999-12-31",
    "2026-13-45",
    "\n|\n||\n",
)


def address(name: str, belongings: Belongings) -> str:
    [route] = [route for route in ROUTES if route.name == name]
    return reverse(f"panel:{name}", kwargs={each: getattr(belongings, each) for each in route.pattern.converters})


@pytest.mark.parametrize("name", PRIVATE)
def test_the_anonymous_are_led_to_sign_in(name: str, belongings: Belongings) -> None:
    for method in ("get", "post"):
        response = getattr(browser(), method)(address(name, belongings))
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", PRIVATE)
def test_a_suspended_account_is_signed_out(name: str, alice: Customer, belongings: Belongings) -> None:
    client = browser(alice)
    Account.objects.filter(pk=alice.id).update(is_active=False)
    assert client.post(address(name, belongings)).headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in {"favicon", "terms", "security_contact"}])
def test_what_is_public_opens_for_everybody(name: str, bob: Customer, belongings: Belongings) -> None:
    assert browser().get(address(name, belongings), follow=True).status_code == 200
    assert browser(bob).get(address(name, belongings), follow=True).status_code == 200


@pytest.mark.parametrize("name", ONES_OWN)
def test_what_is_alices_is_not_there_for_bob(name: str, alice: Customer, bob: Customer, belongings: Belongings) -> None:
    method = "get" if name == "order" else "post"
    assert getattr(browser(bob), method)(address(name, belongings)).status_code == 404
    assert getattr(browser(alice), method)(address(name, belongings)).status_code in {200, 302}


@pytest.mark.parametrize("name", [*POSTED, *FORMS])
def test_every_post_needs_its_csrf_token(name: str, alice: Customer, belongings: Belongings) -> None:
    response = browser(alice, enforce_csrf_checks=True).post(address(name, belongings))
    assert response.status_code == 403


@pytest.mark.parametrize("name", POSTED)
def test_what_changes_something_is_not_done_by_a_link(name: str, alice: Customer, belongings: Belongings) -> None:
    assert browser(alice).get(address(name, belongings)).status_code == 405


@pytest.mark.parametrize("name", FORMS)
def test_forms_survive_whatever_is_typed(name: str, alice: Customer, belongings: Belongings) -> None:
    client = browser(alice)
    for field, junk in product(FORMS[name], JUNK):
        form = {"service": str(belongings.service), field: junk}
        assert answered(client.post(address(name, belongings), form)), (field, junk)


@pytest.mark.parametrize("name", FORMS)
def test_forms_survive_fields_of_100_kb(name: str, alice: Customer, belongings: Belongings) -> None:
    form = dict.fromkeys(FORMS[name], get_random_string(100_000)) | {"service": str(belongings.service)}
    assert answered(browser(alice).post(address(name, belongings), form))


@pytest.mark.parametrize("name", SEARCHES)
def test_searches_survive_whatever_is_typed(name: str, alice: Customer, belongings: Belongings) -> None:
    client = browser(alice)
    for field, junk in product(SEARCHES[name], JUNK):
        response = client.get(address(name, belongings), {"service": str(belongings.service), field: junk})
        assert answered(response), (field, junk)
        assert b"<script>alert" not in (b"" if response.streaming else response.content)


def answered(response: Any) -> bool:
    if response.streaming:
        assert b"".join(response.streaming_content)
    return response.status_code in {200, 302, 404}


def test_a_part_asked_for_after_signing_out_leads_the_whole_page_to_sign_in(belongings: Belongings) -> None:
    response = Client(SERVER_NAME="127.0.0.1").get(address("orders", belongings), headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert response.headers["HX-Redirect"].startswith(reverse("account_login"))
