"""A newcomer's first day in a real browser: from the front page to the first order, seen in the newcomer's own zone."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Desk
from tests.e2e.chromium import HANG_MS, Screen, window
from tests.e2e.conftest import PASSWORD
from tests.panel.conftest import site_settings
from tradepost.accounts.models import Account
from tradepost.ledger import operations
from tradepost.orders.models import Order

LINK = "https://pixelpond.example/newcomer"
CONTACT = "hello@orders.example"
_numbers = count(1)


@pytest.fixture
def page(chromium: Browser, screen: Screen) -> Iterator[Page]:
    """A window in New York in which nobody has signed in."""
    context = window(chromium, screen, zone="America/New_York")
    yield context.new_page()
    context.close()


def test_a_newcomers_day(page: Page, screen: Screen, desk: Desk, make_service: Callable[..., int]) -> None:
    service = make_service(name=f"Numbat Followers {next(_numbers)}", link_kind="either", cancel=True, position=-2)
    email = f"newcomer{next(_numbers)}{screen.name}@e2e.example"
    with site_settings(contact_email=CONTACT, contact_url="https://t.me/orderdesk"):
        read_the_front_page(page, desk, service)
        sign_up(page, desk, email)
        see_how_to_pay(page, email)
        account = Account.objects.get(email=email).pk
        operations.top_up(account, Decimal(5), actor="test")
        order = place_the_first_order(page, desk, service, account)
        follow_it(page, order)
        read_it_in_spanish(page, desk)
    assert page.evaluate("document.documentElement.scrollWidth") <= screen.width
    assert operations.check() == []


def read_the_front_page(page: Page, desk: Desk, service: int) -> None:
    """See what the desk is for, how it works and what it costs, without a word for programmers only."""
    page.goto(desk.url)
    expect(page.get_by_role("heading", name="How it works")).to_be_visible()
    expect(page.get_by_text("Price per 1,000")).to_be_visible()
    assert "curl" not in page.locator("main").inner_text()
    page.get_by_role("link", name="See all prices").first.click()
    page.wait_for_url("**/services/")
    page.goto(f"{desk.url}/services/?q={service}")
    expect(page.get_by_text("$0.90").first).to_be_visible()
    page.goto(desk.url)


def sign_up(page: Page, desk: Desk, email: str) -> None:
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/confirm-email/")
    address = EmailAddress.objects.get(email=email)
    page.goto(desk.url + reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key]))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/dashboard/")
    expect(page.locator("#balance b")).to_have_text("$0.00")
    expect(page.locator(".foot")).to_contain_text("America/New York")
    assert Account.objects.get(email=email).timezone == "America/New_York"


def see_how_to_pay(page: Page, email: str) -> None:
    """Find out how to pay, and whom to ask."""
    page.get_by_role("link", name="Add funds").first.click()
    main = page.locator("main section").first
    expect(main.get_by_text(f"Include {email} as the payment reference.")).to_be_visible()
    expect(main.get_by_role("link", name=CONTACT)).to_have_attribute("href", f"mailto:{CONTACT}")
    expect(main.get_by_role("link", name="t.me/orderdesk")).to_be_visible()


def place_the_first_order(page: Page, desk: Desk, service: int, account: int) -> int:
    """Order with two mistakes first, which are said while one types and all at once on sending."""
    page.goto(f"{desk.url}/orders/new/?service={service}")
    expect(page.locator("#balance b")).to_have_text("$5.00")
    link, quantity = page.get_by_label("Link"), page.get_by_label("Quantity")
    link.fill("not a link")
    quantity.fill("3")
    expect(page.locator("#mistake_link")).to_have_text("This link doesn't look right")
    expect(page.locator("#mistake_quantity")).to_have_text("Minimum quantity is 10")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_text("Fix 2 fields. No order has been placed.")).to_be_visible()
    expect(link).to_be_focused()
    link.fill(LINK)
    quantity.fill("9,000")
    expect(page.get_by_text("You need $3.10 more for this order.")).to_be_visible()
    quantity.fill("1,000")
    expect(page.locator("#charge b")).to_have_text("$0.90")
    expect(page.get_by_text("Balance after this order: $4.10")).to_be_visible()
    page.get_by_role("button", name="Place order").click()
    card = page.locator(".placed")
    expect(card).to_be_focused()
    order = Order.objects.get(account=account)
    expect(card).to_contain_text(str(order.pk))
    expect(card).to_contain_text("$0.90")
    expect(card).to_contain_text("$4.10")
    return order.pk


def follow_it(page: Page, order: int) -> None:
    """Look at the order: its times are relative or the newcomer's own."""
    page.get_by_role("link", name="View order").click()
    expect(page.get_by_role("heading", name=re.compile(str(order)))).to_be_visible()
    expect(page.locator("#live .big-status .tag")).to_have_text("Pending")
    assert page.locator("time").first.get_attribute("datetime", timeout=HANG_MS).endswith(("-05:00", "-04:00"))  # type: ignore[union-attr]
    expect(page.locator("time").first).to_have_attribute("title", re.compile("America/New York"))


def read_it_in_spanish(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/settings/")
    page.get_by_label("Language").select_option("es")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.goto(f"{desk.url}/orders/")
    expect(page.get_by_text("Pendiente").first).to_be_visible()
