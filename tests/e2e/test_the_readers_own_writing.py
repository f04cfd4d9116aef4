"""Times in the browser's zone, numbers and money in its language, statements on paper, charts without scripts."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.builders import place
from tests.conftest import Desk
from tests.e2e.chromium import PHONE, window
from tests.e2e.conftest import PASSWORD, Person, enter
from tradepost.accounts.models import Account


@pytest.fixture
def tokyo(chromium: Browser) -> Iterator[Page]:
    """A phone in Tokyo whose language is Spanish."""
    context = window(chromium, PHONE, locale="es-ES", zone="Asia/Tokyo")
    yield context.new_page()
    context.close()


def test_times_and_money_are_the_readers_own_from_the_first_page_on(tokyo: Page, desk: Desk, person: Person) -> None:
    account = Account.objects.get(pk=person.id)
    account.set_password(PASSWORD)
    account.save()
    tokyo.goto(f"{desk.url}/account/login/")
    tokyo.locator("[name=login]").fill(person.email)
    tokyo.locator("[name=password]").fill(PASSWORD)
    tokyo.locator("form[action='/account/login/'] [type=submit]").click()
    tokyo.wait_for_url("**/dashboard/")
    expect(tokyo.locator("#balance b")).to_have_text(re.compile(r"^100,00\sUS\$$"))
    expect(tokyo.locator(".foot")).to_contain_text("Asia/Tokyo")
    account.refresh_from_db()
    assert account.timezone == "Asia/Tokyo"


def test_a_time_zone_is_chosen_by_its_city(tokyo: Page, desk: Desk, person: Person) -> None:
    enter(tokyo, desk, person)
    tokyo.goto(f"{desk.url}/settings/")
    tokyo.get_by_label("Zona horaria").fill("Nueva York")
    tokyo.get_by_role("button", name="Guardar").click()
    expect(tokyo.get_by_label("Zona horaria")).to_have_value("America/New York")
    expect(tokyo.locator(".foot")).to_contain_text("America/New York")


def test_a_printed_statement_has_no_menu_and_no_buttons(tokyo: Page, desk: Desk, person: Person) -> None:
    enter(tokyo, desk, person)
    tokyo.goto(f"{desk.url}/money/?from=2020-01-01&print=1")
    tokyo.emulate_media(media="print")
    expect(tokyo.get_by_text("Saldo inicial")).to_be_visible()
    expect(tokyo.get_by_text("Saldo final")).to_be_visible()
    for gone in (".tabbar", ".bar", ".side", ".head .doing", ".filters"):
        expect(tokyo.locator(gone).locator("visible=true")).to_have_count(0)


def test_charts_are_there_without_scripts_and_say_what_they_show(
    chromium_without_scripts: Page, desk: Desk, person: Person, service: int
) -> None:
    page = chromium_without_scripts
    place(person.id, service, times=3)
    enter(page, desk, person)
    page.goto(f"{desk.url}/dashboard/")
    expect(page.get_by_text(re.compile(r"The most in one day was \$0\.27, on "))).to_be_visible()
    bar = page.locator(".columns g").last.locator("rect").last
    assert float(bar.get_attribute("height") or 0) > 0
    page.get_by_text("Show as a table").click()
    expect(page.locator(".figures tbody tr")).to_have_count(1)
    expect(page.locator(".figures tbody tr")).to_contain_text("$0.27")
