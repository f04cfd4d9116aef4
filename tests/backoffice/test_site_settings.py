"""Site settings that operators change while the desk runs: validated, and applied at once by every process."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from tests.api.test_rate_limit import asked_until
from tests.backoffice.conftest import Things
from tests.conftest import Customer, Desk
from tests.panel.conftest import browser, page
from tradepost.site_settings.models import SiteSettings

FORM = {
    "panel_name": "", "notice": "", "payment_text": "", "terms": "", "currency": "USD", "sign_up": "",
    "requests_a_minute": "", "mass_order_lines_max": "1000", "keys_max": "100",
}  # fmt: skip


@pytest.fixture(autouse=True)
def settings_as_they_were() -> Iterator[None]:
    """Restore the settings after each test."""
    was = SiteSettings.objects.values().get()
    yield
    SiteSettings.objects.update(**was)


def change(client: Client, **fields: str) -> Any:
    return client.post(reverse("admin:site_settings_sitesettings_change", args=[1]), {**FORM, **fields})


def test_the_menu_leads_to_one_form_that_tells_what_the_environment_says(staff: Client) -> None:
    form = staff.get(reverse("admin:site_settings_sitesettings_changelist"), follow=True).content.decode()
    assert "As TRADEPOST_SIGN_UP says: open" in form
    assert "Empty: TRADEPOST_REQUESTS_A_MINUTE, 6,000." in form
    assert staff.get(reverse("admin:site_settings_sitesettings_add")).status_code == 403
    assert staff.get(reverse("admin:site_settings_sitesettings_delete", args=[1])).status_code == 403


def test_a_currency_of_the_environment_that_is_not_the_books_is_told(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    address = reverse("admin:site_settings_sitesettings_change", args=[1])
    assert "TRADEPOST_CURRENCY says" not in staff.get(address).content.decode()
    monkeypatch.setattr(settings, "TRADEPOST_CURRENCY", "EUR")
    assert "TRADEPOST_CURRENCY says EUR" in staff.get(address).content.decode()


def test_texts_are_on_the_pages_of_customers_at_once(staff: Client, alice: Customer) -> None:
    told = {"panel_name": "Alpha Panel", "notice": "Closed on Sunday", "payment_text": "To IBAN 1", "terms": "Be kind."}
    assert change(staff, **told).status_code == 302
    client = browser(alice)
    shown = page(client, reverse("panel:add_funds"))
    assert "· Alpha Panel</title>" in shown
    assert "Closed on Sunday" in shown
    assert "To IBAN 1" in shown
    assert "Be kind." in page(browser(), reverse("panel:terms"))
    assert "/terms/" in page(browser(), reverse("account_signup"))
    assert "Alpha Panel" in page(staff, reverse("admin:index"))


def test_without_terms_there_is_no_page_of_them() -> None:
    assert browser().get(reverse("panel:terms")).status_code == 404
    assert "/terms/" not in page(browser(), reverse("panel:home"))


def test_who_may_sign_up_is_changed_at_once(staff: Client) -> None:
    assert "password1" in page(browser(), reverse("account_signup"))
    change(staff, sign_up="closed")
    assert "password1" not in page(browser(), reverse("account_signup"))
    assert "/account/signup/" not in page(browser(), reverse("panel:home"))


def test_limits_of_pages_are_changed_at_once(staff: Client, alice: Customer) -> None:
    change(staff, mass_order_lines_max="2", keys_max="1")
    client = browser(alice)
    told = client.post(reverse("panel:mass_order"), {"orders": "a\nb\nc"}).content.decode()
    assert "At most 2 lines" in told
    assert (
        "At most 1 active keys" in client.post(reverse("panel:keys"), {"name": "x", "scope": "read"}).content.decode()
    )


def test_the_default_limit_of_keys_reaches_a_running_server(staff: Client, desk: Desk, alice: Customer) -> None:
    asked_until(desk, alice.key, lambda answer: answer.headers["x-ratelimit-limit"] == "6000")
    change(staff, requests_a_minute="1234")
    asked_until(desk, alice.key, lambda answer: answer.headers["x-ratelimit-limit"] == "1234")
    change(staff)
    asked_until(desk, alice.key, lambda answer: answer.headers["x-ratelimit-limit"] == "6000")


def test_the_currency_of_books_with_money_stays(staff: Client, things: Things) -> None:
    assert things
    response = change(staff, currency="EUR")
    assert "Money has moved" in response.content.decode()
    with pytest.raises(IntegrityError, match="The currency stays"), transaction.atomic():
        SiteSettings.objects.update(currency="EUR")


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("currency", "euro"),
        ("currency", "€€€"),
        ("sign_up", "sometimes"),
        ("requests_a_minute", "-1"),
        ("requests_a_minute", "1000001"),
        ("mass_order_lines_max", "0"),
        ("mass_order_lines_max", "1001"),
        ("keys_max", "0"),
        ("panel_name", "x" * 41),
    ],
)
def test_what_cannot_be_right_is_said_at_its_field(staff: Client, field: str, typed: str) -> None:
    was = SiteSettings.objects.values().get()
    response = change(staff, **{field: typed})
    assert response.status_code == 200
    assert response.context["adminform"].form.errors.keys() == {field}
    assert SiteSettings.objects.values().get() == was


def test_a_change_is_in_the_audit_log(staff: Client) -> None:
    from tradepost.audit.models import Entry

    change(staff, sign_up="invitation")
    entry = Entry.objects.filter(model="site_settings.sitesettings").latest("id")
    assert (entry.before, entry.after) == ({"sign_up": ""}, {"sign_up": "invitation"})
