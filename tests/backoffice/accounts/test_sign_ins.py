"""The log of sign-ins in the back office: filters, search, and the page of an account."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import staff_with
from tests.conftest import Customer
from tradepost.accounts.models import SignInEvent

LIST = reverse("admin:accounts_signinevent_changelist")


def event(customer: Customer, address: str, kind: str = "signed in") -> int:
    """Record an event, and return its id."""
    made = SignInEvent.objects.create(account_id=customer.id, kind=kind, method="password", address=address)
    return made.pk


def shown(client: Client, **parameters: str) -> set[int]:
    """Return the ids of the events on the list's page."""
    text = client.get(LIST, parameters).content.decode()
    return {int(pk) for pk in re.findall(r"/accounts/signinevent/(\d+)/change/", text)}


@pytest.mark.parametrize(
    ("network", "found"),
    [
        ("203.0.113.7", {0}),
        ("203.0.113.0/24", {0, 1}),
        (" 203.0.113.9/24 ", {0, 1}),
        ("2001:db8::/32", {2}),
        ("198.51.100.1", set()),
        ("0.0.0.0/0", set()),
        ("somewhere", set()),
        ("\x00", set()),
    ],
)
def test_events_are_found_by_network(staff: Client, alice: Customer, network: str, found: set[int]) -> None:
    pks = [event(alice, address) for address in ("203.0.113.7", "203.0.113.200", "2001:db8::1")]
    assert {pks.index(pk) for pk in shown(staff, q=alice.email, network=network)} == found


def test_events_are_found_by_kind_and_account(staff: Client, alice: Customer, bob: Customer) -> None:
    good, failed = event(alice, "203.0.113.7"), event(alice, "203.0.113.7", "failed")
    event(bob, "203.0.113.7", "failed")
    assert shown(staff, q=alice.email) == {good, failed}
    assert shown(staff, q=alice.email, kind__exact="failed") == {failed}


def test_the_page_of_an_account_has_its_last_events_for_those_who_may_see_them(staff: Client, alice: Customer) -> None:
    pk = event(alice, "203.0.113.7", "failed")
    address = reverse("admin:accounts_account_change", args=[alice.id])
    assert reverse("admin:accounts_signinevent_change", args=[pk]) in staff.get(address).content.decode()
    other = staff_with("accounts.view_account")
    assert "Last sign-ins" not in other.get(address).content.decode()


def test_nobody_changes_an_event(staff: Client, alice: Customer) -> None:
    pk = event(alice, "203.0.113.7")
    page = staff.get(reverse("admin:accounts_signinevent_change", args=[pk]))
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert staff.post(reverse("admin:accounts_signinevent_delete", args=[pk]), {"post": "yes"}).status_code == 403
