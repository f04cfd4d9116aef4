"""Pages link only where the reader may go; for everybody else the cell has the text alone."""

import pytest
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import member, staff_with
from tests.backoffice.conftest import Things
from tests.conftest import Customer

ORDER = "admin:orders_order_change"


def page(client: Client, name: str, *arguments: object) -> str:
    response = client.get(reverse(f"admin:{name}", args=arguments))
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.parametrize(("role", "is_linked"), [("support", True), ("fulfiller", False)])
def test_a_refill_links_to_its_order_for_those_who_may_open_it(role: str, *, is_linked: bool, things: Things) -> None:
    text = page(member(role), "orders_refill_change", things.orders_refill)
    assert str(things.orders_order) in text
    assert (f'href="{reverse(ORDER, args=[things.orders_order])}"' in text) is is_linked


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize(("role", "is_linked"), [("owner", True), ("manager", False)])
def test_the_audit_log_links_to_groups_for_owners_only(role: str, *, is_linked: bool) -> None:
    group = Group.objects.create(name=f"Seen by {role}")
    text = page(member(role), "audit_entry_changelist")
    assert group.name in text
    assert (f'href="{reverse("admin:auth_group_change", args=[group.pk])}"' in text) is is_linked


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize(("role", "is_linked"), [("manager", True), ("support", False)])
def test_the_overview_links_to_unsure_orders_for_those_who_settle_them(role: str, *, is_linked: bool) -> None:
    text = page(member(role), "index")
    assert "unsure" in text
    assert (reverse("admin:orders_upstreamorder_changelist") in text) is is_linked


@pytest.mark.parametrize(("role", "is_linked"), [("manager", True), ("support", False)])
def test_only_those_who_may_arrange_services_find_the_link(role: str, *, is_linked: bool, things: Things) -> None:
    address = reverse("admin:catalog_category_arrange_services", args=[things.catalog_category])
    assert (address in page(member(role), "catalog_category_changelist")) is is_linked


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_key_links_to_its_account_with_the_permission_alone(
    *, is_linked: bool, things: Things, alice: Customer
) -> None:
    client = staff_with("accounts.view_key", *["accounts.view_account"] * is_linked)
    text = page(client, "accounts_key_change", things.accounts_key)
    assert (f'href="{reverse("admin:accounts_account_change", args=[alice.id])}"' in text) is is_linked


def test_the_permission_is_asked_once_a_request_and_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from tradepost.backoffice.ui import links
    from tradepost.backoffice.ui.site import site
    from tradepost.orders.models import Order

    asked: list[HttpRequest] = []
    order_admin = site.get_model_admin(Order)

    def allow(request: HttpRequest) -> bool:
        asked.append(request)
        return True

    monkeypatch.setattr(order_admin, "has_view_permission", allow)
    request = HttpRequest()
    with links.for_reader(request, site):
        cells = [links.row_link(Order, pk, pk) for pk in (1, 2, 3)]
    assert all("href" in cell for cell in cells)
    assert asked == [request]
    assert links.row_link(Order, 1, 1) == "1"
