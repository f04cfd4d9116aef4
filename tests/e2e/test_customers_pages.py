"""What customers do on single pages, in a real browser on a real desk, most of it at desk and at phone width."""

import re
from collections.abc import Callable
from decimal import Decimal
from itertools import count

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.conftest import Desk
from tests.e2e.chromium import DESK, PHONE, Screen
from tests.e2e.conftest import PASSWORD, Person, enter, sign_in
from tradepost.accounts.models import Account
from tradepost.ledger import operations
from tradepost.orders.models import Order

LINK = "https://pixelpond.example/visitor"
_numbers = count(1)

on_a_desk = pytest.mark.parametrize("screen", [DESK], ids=["desk"], indirect=True)
on_a_phone = pytest.mark.parametrize("screen", [PHONE], ids=["phone"], indirect=True)

type OpenWindow = Callable[..., Page]


@pytest.fixture
def page(open_window: OpenWindow, screen: Screen, desk: Desk, person: Person) -> Page:
    """A window in which the customer has signed in."""
    opened = open_window(screen)
    enter(opened, desk, person)
    return opened


@pytest.fixture
def sold(make_service: Callable[..., int]) -> int:
    """A service that the simulator delivers."""
    return make_service(
        name=f"Pangolin Followers {next(_numbers)}", refill=True, cancel=True, dripfeed=True, fulfilment="simulated"
    )


def test_a_newcomer_signs_up_adds_funds_and_orders(
    open_window: OpenWindow, screen: Screen, desk: Desk, sold: int
) -> None:
    page = open_window(screen)
    email = f"newcomer{next(_numbers)}@e2e.example"
    page.goto(desk.url)
    page.get_by_role("link", name="Sign up", exact=True).click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign Up").click()
    page.wait_for_url("**/confirm-email/")
    address = EmailAddress.objects.get(email=email)
    page.goto(desk.url + reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key]))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/dashboard/")
    expect(page.locator("#balance b")).to_have_text("$0.00")
    page.get_by_role("link", name="Add funds").click()
    expect(page.get_by_role("main").get_by_text(email)).to_be_visible()
    operations.top_up(address.user_id, Decimal(5), actor="test")
    page.goto(f"{desk.url}/orders/new/?service={sold}")
    expect(page.locator("#balance b")).to_have_text("$5.00")


def test_an_order_is_found_by_typing_priced_live_placed_and_watched(page: Page, desk: Desk, sold: int) -> None:
    page.goto(f"{desk.url}/orders/new/")
    page.get_by_label("Search services").fill(f"pangolin {sold}")
    page.locator(".pick > a").filter(has_text=f"{sold} ·").click()
    page.get_by_label("Link").fill(LINK)
    page.get_by_label("Quantity").fill("1000")
    expect(page.locator("#charge b")).to_have_text("$0.90")
    page.get_by_role("button", name="Place order").click()
    page.get_by_role("link", name="View order").click()
    expect(page.locator("#live .big-status .tag")).to_have_text(re.compile("Completed|Partial|Canceled"))


@on_a_phone
def test_comments_are_counted_by_line_while_they_are_typed(
    page: Page, desk: Desk, make_service: Callable[..., int]
) -> None:
    page.goto(f"{desk.url}/orders/new/?service={make_service(type='Custom Comments', min=1, rate=1000)}")
    page.get_by_label("Comments").fill("One\n\nTwo\nThree")
    expect(page.locator("output.lines")).to_have_text("3")
    expect(page.locator("#charge b")).to_have_text("$3.00")


@on_a_phone
def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(page: Page, desk: Desk, sold: int) -> None:
    page.goto(f"{desk.url}/orders/new/?service={sold}")
    page.get_by_label("Link").fill(LINK)
    page.get_by_label("Quantity").fill("3")
    page.get_by_role("button", name="Place order").click()
    expect(page.locator("#mistake_quantity")).to_have_text("Minimum quantity is 10")
    expect(page.get_by_label("Link")).to_have_value(LINK)


@on_a_desk
def test_a_double_click_orders_once(page: Page, desk: Desk, person: Person, sold: int) -> None:
    page.goto(f"{desk.url}/orders/new/?service={sold}")
    page.get_by_label("Link").fill(LINK)
    page.get_by_label("Quantity").fill("100")
    page.get_by_role("button", name="Place order").dblclick()
    expect(page.get_by_role("link", name="View order")).to_be_visible()
    assert Order.objects.filter(account=person.id, parent=None).count() == 1


def test_many_orders_are_checked_and_placed_at_once(page: Page, desk: Desk, sold: int) -> None:
    page.goto(f"{desk.url}/orders/mass/")
    page.get_by_label("Orders").fill(f"{sold} | {LINK}/1 | 100\n{sold} | {LINK}/2 | 1")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Minimum quantity is 10")).to_be_visible()
    expect(page.locator(".line-numbers .bad")).to_have_text(["2"])
    page.get_by_label("Orders").fill(f"{sold} | {LINK}/1 | 100\n{sold} | {LINK}/2 | 100")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Place 2 orders ($0.18)").click()
    expect(page.get_by_text("2 orders placed.")).to_be_visible()
    expect(page.locator("#rows tbody tr")).to_have_count(2)


def test_lines_of_another_panel_are_placed_and_the_wrong_ones_corrected(page: Page, desk: Desk, sold: int) -> None:
    page.goto(f"{desk.url}/orders/mass/")
    box = page.get_by_label("Orders")
    box.fill(f"service|quantity|link\n{sold}|1,000|{LINK}/1\n{sold}|1|{LINK}/2\n{sold}\t250\t{LINK}/a,b\n")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("The columns were read as service | quantity | link.")).to_be_visible()
    expect(page.get_by_text("Minimum quantity is 10")).to_be_visible()
    page.get_by_role("button", name="Place the 2 correct lines").click()
    expect(page.get_by_text("2 orders placed.")).to_be_visible()
    expect(box).to_have_value(f"{sold}|1|{LINK}/2")
    box.fill(f"{sold}|100|{LINK}/2")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Place 1 order").click()
    expect(page.locator("#rows tbody tr")).to_have_count(3)
    saved = Order.objects.filter(service_id=sold).order_by("id").values_list("link", "quantity")
    assert list(saved) == [(f"{LINK}/1", 1000), (f"{LINK}/a,b", 250), (f"{LINK}/2", 100)]


def test_an_order_is_canceled_after_being_asked_back(page: Page, desk: Desk, make_service: Callable[..., int]) -> None:
    page.goto(f"{desk.url}/orders/new/?service={make_service(cancel=True)}")
    page.get_by_label("Link").fill(LINK)
    page.get_by_label("Quantity").fill("100")
    page.get_by_role("button", name="Place order").click()
    page.get_by_role("link", name="View order").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel the order").click()
    expect(page.locator("#live .big-status .tag")).to_have_text("Canceled")
    expect(page.locator("#balance b")).to_have_text("$100.00")
    page.get_by_role("link", name="Order again").click()
    expect(page.get_by_label("Link")).to_have_value(LINK)


@on_a_desk
def test_a_key_is_made_tried_in_the_console_and_revoked(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/api/keys/")
    page.get_by_label("Name").fill("My script")
    page.get_by_label("Test key").check()
    page.get_by_role("button", name="Create key").click()
    key = page.locator("#made").inner_text()
    page.goto(f"{desk.url}/api/console/")
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_label("Action").select_option("balance")
    page.get_by_role("button", name="Call").click()
    expect(page.locator("#answer")).to_contain_text('"balance": "10000.00"')
    page.goto(f"{desk.url}/api/keys/")
    page.get_by_role("row").filter(has_text="My script").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Key revoked.")).to_be_visible()


@on_a_phone
def test_a_favourite_is_marked_and_on_top(page: Page, desk: Desk, sold: int) -> None:
    page.goto(f"{desk.url}/orders/new/?q={sold}")
    star = page.locator(f'.star[value="{sold}"]')
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.goto(f"{desk.url}/orders/new/")
    expect(page.locator(".found h3").first).to_have_text("Favourites")


@on_a_phone
def test_pages_are_dark_and_spanish_for_who_wants_them_so(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/settings/")
    page.get_by_label("Language").select_option("es")
    page.get_by_label("Appearance").select_option("dark")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(14, 20, 18)")


def test_an_order_takes_no_more_than_the_keyboard(
    open_window: OpenWindow, desk: Desk, person: Person, sold: int
) -> None:
    page = open_window(DESK)
    enter(page, desk, person)
    page.goto(f"{desk.url}/dashboard/")
    page.keyboard.press("n")
    page.wait_for_url("**/orders/new/")
    page.keyboard.type(f"pangolin {sold}")
    expect(page.locator(".pick")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Link")).to_be_focused()
    page.keyboard.type(LINK)
    page.keyboard.press("Tab")
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="View order")).to_be_visible()


def test_orders_are_placed_without_scripts_too(
    chromium_without_scripts: Page, desk: Desk, person: Person, sold: int
) -> None:
    page = chromium_without_scripts
    enter(page, desk, person)
    page.goto(f"{desk.url}/orders/new/?q=pangolin+{sold}")
    page.locator(".pick > a").first.click()
    page.get_by_label("Link").fill(LINK)
    page.get_by_label("Quantity").fill("100")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("link", name="View order")).to_be_visible()


def test_a_passkey_is_added_and_signs_in(open_window: OpenWindow, desk: Desk, person: Person) -> None:
    page = open_window(PHONE)
    here = desk._replace(url=desk.url.replace("127.0.0.1", "localhost"))  # a passkey needs a host name
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    account = Account.objects.get(pk=person.id)
    account.set_password(PASSWORD)
    account.save()
    sign_in(page, here, person.email)
    page.goto(f"{here.url}{reverse('mfa_add_webauthn')}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url("**/recovery-codes/**")
    page.context.clear_cookies()
    page.goto(f"{here.url}/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/dashboard/")
