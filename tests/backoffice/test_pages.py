"""Every list and page of the back office opens for users with the permission, and for nobody else."""

import re
from typing import Any

import pytest
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.backoffice.browsers import sign_in
from tests.backoffice.conftest import Things
from tests.builders import settle
from tradepost.backoffice.ui.site import site

LISTS = [f"admin:{name}_changelist" for name in Things._fields]
PAGES = Things._fields
ADDABLE = (
    "accounts_account",
    "catalog_category",
    "catalog_service",
    "catalog_customrate",
    "catalog_pricelist",
    "auth_group",
    "ledger_paymentlimit",
    "providers_provider",
)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_opens_for_staff(staff: Client, things: Things, name: str) -> None:
    assert things
    assert staff.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_every_detail_page_and_its_history_open_for_staff(staff: Client, things: Things, name: str) -> None:
    row = getattr(things, name)
    assert staff.get(reverse(f"admin:{name}_change", args=[row]), follow=True).status_code == 200
    assert staff.get(reverse(f"admin:{name}_history", args=[row]), follow=True).status_code == 200


@pytest.mark.parametrize("name", ADDABLE)
def test_the_forms_for_what_may_be_added_open_without_python_objects_in_them(staff: Client, name: str) -> None:
    response = staff.get(reverse(f"admin:{name}_add"))
    assert response.status_code == 200
    assert " object at 0x" not in response.content.decode()
    assert "DatabaseDefault" not in response.content.decode()


def test_every_page_on_which_something_can_be_added_is_tried(staff: Client) -> None:
    request = staff.get(reverse("admin:index")).wsgi_request
    there = {
        f"{model._meta.app_label}_{model._meta.model_name}"
        for model, page in site._registry.items()
        if page.has_add_permission(request)
    }
    assert there == set(ADDABLE)


def test_a_row_that_is_not_saved_yet_has_its_defaults_already() -> None:
    models = {
        model for page in site._registry.values() for model in (page.model, *(each.model for each in page.inlines))
    }
    unknown = {
        f"{model.__name__}.{field.attname}"
        for model in models
        for field in model._meta.concrete_fields
        if isinstance(getattr(model(), field.attname), DatabaseDefault) and not _is_set_by_the_clock(field)
    }
    assert unknown == set()


def _is_set_by_the_clock(field: Any) -> bool:
    """Return whether the database's clock decides: then the default is not known before the row is written."""
    return isinstance(field.db_default, Now)


@pytest.mark.parametrize("name", LISTS)
def test_a_customer_is_sent_to_sign_in(name: str) -> None:
    response = sign_in().get(reverse(name))
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", PAGES)
def test_charlie_gets_403_everywhere(charlie: Client, things: Things, name: str) -> None:
    assert charlie.get(reverse(f"admin:{name}_changelist")).status_code == 403
    assert charlie.get(reverse(f"admin:{name}_change", args=[getattr(things, name)])).status_code == 403


def test_what_the_catalog_counts_by_is_nobodys_to_see(staff: Client) -> None:
    assert staff.get("/admin/catalog/catalogversion/").status_code == 404


def test_an_order_shows_all_there_is_to_it(staff: Client, things: Things) -> None:
    page = staff.get(reverse("admin:orders_order_change", args=[things.orders_order])).content.decode()
    for part in ("https://example.com/page", "So green", "&lt;b&gt;So wide&lt;/b&gt;", "Partial", "$0.001"):
        assert part in page
    assert "<b>So wide" not in page
    assert "+$0.0005" in strip_tags(page)
    assert "Refund of the undelivered part" in page


def test_a_link_that_leads_to_no_web_page_is_text(staff: Client, things: Things) -> None:
    from tests.builders import place

    [order] = place(things.accounts_account, things.catalog_service, link="javascript:alert(1)", comments="Hm")
    page = staff.get(reverse("admin:orders_order_change", args=[order])).content.decode()
    assert "javascript:alert(1)" in page
    assert 'href="javascript:' not in page


def test_a_key_is_never_shown(staff: Client, things: Things) -> None:
    from tradepost.accounts.models import Key

    key = Key.objects.get(pk=things.accounts_key)
    for address in (
        reverse("admin:accounts_key_changelist"),
        reverse("admin:accounts_key_change", args=[key.pk]),
        reverse("admin:accounts_account_change", args=[key.account_id]),
    ):
        page = staff.get(address).content
        assert key.prefix.encode() in page
        assert key.digest.hex().encode() not in page


@pytest.mark.usefixtures("one_day")
def test_the_overview_tells_of_today(staff: Client, things: Things) -> None:
    from tests.builders import place
    from tradepost.engine.statuses import Status

    def figures() -> dict[str, float]:
        context = staff.get(reverse("admin:index")).context
        told = {figure["title"]: str(figure["value"]) for figure in context["figures"]}
        exact = {title: re.search(r'value="([^"]*)"', text) for title, text in told.items()}
        return {title: float(found[1] if found else told[title].replace(",", "")) for title, found in exact.items()}

    before = figures()
    [order, other] = place(things.accounts_account, things.catalog_service, 2, comments="One\nTwo")
    settle(order, status=Status.CANCELED)
    after = figures()
    assert after["Orders today"] == before["Orders today"] + 2
    assert after["Revenue today"] - before["Revenue today"] == pytest.approx(0.001)
    assert after["Refunded today"] - before["Refunded today"] == pytest.approx(0.001)
    assert f">{other}</a>" in staff.get(reverse("admin:index")).content.decode()


def test_the_overview_tells_charlie_nothing(charlie: Client, things: Things) -> None:
    response = charlie.get(reverse("admin:index"))
    assert response.status_code == 200
    assert response.context["figures"] == []
    assert f">{things.orders_order}</a>" not in response.content.decode()


def test_signing_in_leads_to_the_overview() -> None:
    from tradepost.accounts.creation import mark_email_verified
    from tradepost.accounts.models import Account

    mark_email_verified(
        Account.objects.create_user("signs-in@backoffice.example", "correct horse battery", is_staff=True)
    )
    client = Client()
    sent_to = client.get(reverse("admin:index"), follow=True).redirect_chain[-1][0]
    assert sent_to.startswith(reverse("account_login"))
    form = {"login": "signs-in@backoffice.example", "password": "correct horse battery"}
    assert client.post(sent_to, form, follow=True).redirect_chain[-1][0] == reverse("admin:index")
