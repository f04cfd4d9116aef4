"""Each form that adds a row to the back office, in a real browser: from the empty form to the row in its list."""

import re
from collections.abc import Callable
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from tests.builders import make_offer, make_provider
from tests.conftest import Desk
from tests.e2e.chromium import Screen
from tests.e2e.conftest import PASSWORD, Person, enter
from tradepost.accounts.creation import create
from tradepost.accounts.role_names import RoleName

OFFICE = Screen("office", 1440, 900)
_numbers = count(1)

type OpenWindow = Callable[..., Page]


class Forms:
    """An owner who opens the empty forms of the back office and saves them."""

    def __init__(self, page: Page, desk: Desk) -> None:
        self.page = page
        self.desk = desk

    def open(self, name: str) -> Page:
        """Open the empty form of a list, by the list's own button."""
        self.page.goto(f"{self.desk.url}/admin/{name}/")
        self.page.locator(f"a[href^='/admin/{name}/add/']").first.click()
        self.page.wait_for_url(f"**/admin/{name}/add/**")
        expect(self.page.get_by_text("object at 0x")).to_have_count(0)
        return self.page

    def choose(self, field: str, typed: str) -> None:
        """Choose a row in a field that searches as one types."""
        self.page.locator(f"#id_{field} + .select2 .select2-selection").click()
        self.page.locator(".select2-search__field").last.fill(typed)
        self.page.locator(".select2-results__option", has_text=typed).first.click()

    def save(self) -> None:
        """Save, and expect to be told so."""
        self.page.get_by_role("button", name="Save", exact=True).click()
        expect(self.page.get_by_text(re.compile("was added successfully")).first).to_be_visible()


@pytest.fixture
def forms(open_window: OpenWindow, desk: Desk) -> Forms:
    owner = create(f"adder{next(_numbers)}@e2e.example", PASSWORD, role=RoleName.OWNER.value)
    page = open_window(OFFICE)
    enter(page, desk, Person(owner.pk, owner.email))
    return Forms(page, desk)


@pytest.fixture
def word() -> str:
    """A word that nothing else is called."""
    return f"Wallflower {next(_numbers)}"


def test_a_service_goes_from_the_empty_form_to_the_customers_list(forms: Forms, word: str, desk: Desk) -> None:
    from tradepost.catalog.models import Service

    page = forms.open("catalog/category")
    page.locator("#id_name").fill(word)
    forms.save()
    offer = make_offer(make_provider(), name=f"{word} upstream")
    page = forms.open("catalog/service")
    page.locator("#id_name").fill(f"{word} followers")
    forms.choose("category", word)
    page.locator("#id_rate").fill("0.90")
    page.locator("#id_min").fill("10")
    page.locator("#id_max").fill("10000")
    expect(page.locator("#id_is_active")).to_be_checked()
    page.get_by_text("Add another Route").click()
    forms.choose("routes-0-provider_service", offer.name)
    forms.save()
    service = Service.objects.get(name=f"{word} followers")
    assert (service.is_active, service.quarantine) == (True, "")
    assert service.routes.get().provider_service == offer
    page.goto(f"{desk.url}/services/?q={word}")
    expect(page.get_by_text(f"{word} followers").first).to_be_visible()


def test_a_rate_of_one_account_goes_from_the_empty_form_into_the_list(
    forms: Forms, service: int, person: Person
) -> None:
    from tradepost.catalog.models import CustomRate, Service

    page = forms.open("catalog/customrate")
    forms.choose("account", person.email)
    forms.choose("service", Service.objects.get(pk=service).name)
    page.locator("#id_rate").fill("0.50")
    forms.save()
    expect(page.get_by_role("row").filter(has_text=person.email)).to_be_visible()
    assert CustomRate.objects.filter(account=person.id).exists()


def test_a_price_list_goes_from_the_empty_form_into_the_list(forms: Forms, word: str) -> None:
    page = forms.open("catalog/pricelist")
    page.locator("#id_name").fill(word)
    page.locator("#id_discount_percent").fill("10")
    forms.save()
    expect(page.get_by_role("row").filter(has_text=word)).to_be_visible()


def test_a_provider_goes_from_the_empty_form_into_the_list(forms: Forms, word: str) -> None:
    page = forms.open("providers/provider")
    page.locator("#id_name").fill(word)
    page.get_by_label("API address").fill("http://127.0.0.1:9/api/v2")
    page.get_by_label("API key").fill("secret")
    forms.save()
    expect(page.get_by_role("row").filter(has_text=word)).to_be_visible()


def test_an_account_goes_from_the_empty_form_to_its_page(forms: Forms, word: str) -> None:
    page = forms.open("accounts/account")
    email = f"{word.lower().replace(' ', '')}@e2e.example"
    page.locator("#id_email").fill(email)
    forms.save()
    page.wait_for_url("**/change/")
    expect(page.get_by_text(email).first).to_be_visible()


def test_a_group_and_its_payment_limit_go_from_empty_forms_into_their_lists(forms: Forms, word: str) -> None:
    page = forms.open("auth/group")
    page.locator("#id_name").fill(word)
    forms.save()
    expect(page.get_by_role("row").filter(has_text=word)).to_be_visible()
    page = forms.open("ledger/paymentlimit")
    page.locator("#id_group").select_option(label=word)
    page.locator("#id_per_payment").fill("25")
    page.locator("#id_per_day").fill("100")
    page.locator("#id_approval_above").fill("10")
    forms.save()
    expect(page.get_by_role("row").filter(has_text=word)).to_contain_text("25.00")
