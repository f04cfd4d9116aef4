"""The order form and the list of orders by keyboard, mouse and thumb; each story at desk and at phone width."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.builders import place, settle
from tests.conftest import Desk
from tests.e2e.axe import serious_faults
from tests.e2e.chromium import DESK, Screen
from tests.e2e.conftest import Person, enter
from tradepost.engine.statuses import Status
from tradepost.orders.models import Order, Refill

LINK = "https://pixelpond.example/visitor"

on_a_desk = pytest.mark.parametrize("screen", [DESK], ids=["desk"], indirect=True)

type MakeService = Callable[..., int]


@pytest.fixture
def page(open_window: Callable[..., Page], screen: Screen, desk: Desk, person: Person) -> Page:
    """A window in which the customer has signed in."""
    opened: Page = open_window(screen)
    enter(opened, desk, person)
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.url)
    return opened


def focused(page: Page) -> str:
    """Return the id of the field that has the focus, or the text of the service."""
    found: str = page.evaluate("document.activeElement.id || document.activeElement.querySelector('b')?.textContent")
    return found


def copied(page: Page) -> str:
    found: str = page.evaluate("navigator.clipboard.readText()")
    return found


@on_a_desk
def test_the_services_are_one_stop_of_the_tab_key_and_a_list_for_arrow_keys(
    page: Page, desk: Desk, make_service: MakeService
) -> None:
    names = [f"Axolotl Likes {letter}" for letter in "ABC"]
    for name in names:
        make_service(name=name, link_kind="either")
    page.goto(f"{desk.url}/orders/new/?q=axolotl")
    page.get_by_label("Search services").focus()
    page.keyboard.press("ArrowDown")
    assert focused(page) == names[0]
    for key, expected in (("ArrowDown", names[1]), ("End", names[2]), ("ArrowUp", names[1]), ("Home", names[0])):
        page.keyboard.press(key)
        assert focused(page) == expected
    page.keyboard.press("ArrowDown")
    expect(page.locator('.pick > a[tabindex="0"]')).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Link")).to_be_focused()
    expect(page.locator(".pick.chosen b")).to_have_text([names[1]])
    page.keyboard.press("Shift+Tab")  # the star of the service
    page.keyboard.press("Shift+Tab")
    assert focused(page) == names[1]
    page.get_by_label("Search services").fill("axolotl likes b")
    expect(page.locator(".pick")).to_have_count(1)
    expect(page.locator(".pick.chosen b")).to_have_text([names[1]])


def test_a_service_that_is_opened_by_its_link_is_in_sight(page: Page, desk: Desk, make_service: MakeService) -> None:
    service = make_service(name="Quoll Views", position=-1)
    page.goto(f"{desk.url}/orders/new/?service={service}")
    expect(page.get_by_label("Link")).to_be_focused()
    inside = """
        () => {
          const [list, row] = [".found", ".pick.chosen"].map((each) => document.querySelector(each));
          const [outer, inner] = [list, row].map((each) => each.getBoundingClientRect());
          return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
        }
    """
    assert page.evaluate(inside)


def test_the_fields_say_what_is_wrong_while_one_types_and_all_of_it_on_sending(
    page: Page, desk: Desk, make_service: MakeService
) -> None:
    page.goto(f"{desk.url}/orders/new/?service={make_service(link_kind='either')}")
    quantity, link = page.get_by_label("Quantity"), page.get_by_label("Link")
    quantity.fill("3")
    expect(page.locator("#mistake_quantity")).to_have_text("Minimum quantity is 10")
    expect(quantity).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#mistake_link")).to_have_text("")
    quantity.fill("1,000")
    expect(page.locator("#charge b")).to_have_text("$0.90")
    expect(page.get_by_text("Balance after this order: $99.10")).to_be_visible()
    expect(quantity).not_to_have_attribute("aria-invalid", "true")
    link.fill("not a link")
    expect(page.locator("#mistake_link")).to_have_text("This link doesn't look right")
    quantity.fill("x")
    link.fill("")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_text("Fix 2 fields. No order has been placed.")).to_be_visible()
    expect(page.locator("#mistake_link")).to_have_text("Enter a link")
    expect(page.locator("#mistake_quantity")).to_have_text("Enter a whole number, for example 1000")
    expect(link).to_be_focused()
    expect(page.locator(".pick.chosen")).to_have_count(1)
    assert serious_faults(page) == []
    link.fill(LINK)
    quantity.fill("100")
    expect(page.locator(".is-invalid, [aria-invalid], #mistakes")).to_have_count(0)


def test_after_an_order_its_id_is_copied_and_the_next_one_begins(
    page: Page, desk: Desk, person: Person, make_service: MakeService
) -> None:
    page.goto(f"{desk.url}/orders/new/?service={make_service()}")
    page.get_by_label("Link").fill(LINK)
    page.get_by_label("Quantity").fill("100")
    page.get_by_role("button", name="Place order").click()
    card = page.locator(".placed")
    expect(card).to_be_focused()
    assert serious_faults(page) == []
    card.get_by_role("button", name="Copy the order id").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert copied(page) == str(Order.objects.get(account=person.id).pk)
    expect(card.get_by_text("$99.91")).to_be_visible()
    card.get_by_role("link", name="Order another").click()
    expect(page.get_by_label("Link")).to_be_focused()
    expect(page.get_by_label("Link")).to_have_value("")


def test_orders_are_canceled_and_refilled_by_row_and_many_at_once(
    page: Page, screen: Screen, desk: Desk, person: Person, make_service: MakeService
) -> None:
    service = make_service(refill=True, cancel=True)
    first, second, third, done = place(person.id, service, times=4, link=LINK)
    settle(done, status=Status.COMPLETED, start_count=5)
    page.goto(f"{desk.url}/orders/")
    page.locator(f"#cancel{first}").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    page.locator(f"#cancel{first}").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(page.get_by_text(f"Order {first}: Canceled. Refunded: 0.09")).to_be_visible()
    expect(page.locator(f"#cancel{first}")).to_have_count(0)
    for order in (second, third, done):
        page.locator(f"#tick{order}").check()
    with page.expect_response(lambda response: response.request.headers.get("hx-target") == "rows"):
        pass  # the list loads itself again while orders move
    expect(page.locator("[data-ticked]")).to_have_text("3")
    expect(page.locator(".tick:checked")).to_have_count(3)
    page.get_by_role("button", name="Copy ids").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert set(copied(page).split()) == {str(order) for order in (second, third, done)}
    assert page.evaluate("document.documentElement.scrollWidth") <= screen.width
    assert serious_faults(page) == []
    page.locator(".chosen-actions").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Cancel 3 orders?")).to_be_visible()
    assert serious_faults(page) == []
    page.get_by_role("button", name="Cancel 2 orders").click()
    expect(page.get_by_text("Done: 2. Not done: 1.")).to_be_visible()
    assert serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= screen.width
    page.get_by_role("link", name="Back to the orders").click()
    page.locator(f"#refill{done}").click()
    page.get_by_role("dialog").get_by_role("button", name="Refill").click()
    expect(page.get_by_text(f"Order {done}: Refill requested")).to_be_visible()
    assert Refill.objects.filter(order=done).count() == 1


def test_links_lead_out_are_copied_and_orders_are_repeated(
    page: Page, desk: Desk, person: Person, make_service: MakeService
) -> None:
    orders = place(person.id, make_service(), times=2, link=LINK)
    page.goto(f"{desk.url}/orders/")
    link = page.get_by_role("link", name=LINK).first
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    page.get_by_role("button", name="Copy the link").first.click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert copied(page) == LINK
    page.locator(f"#again{orders[0]}").click()
    expect(page.get_by_label("Link")).to_have_value(LINK)
    page.goto(f"{desk.url}/orders/")
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Order again").first.click()
    expect(page.get_by_label("Orders")).to_have_value(re.compile(rf"({re.escape(LINK)} \| 100\s*){{1}}", re.DOTALL))


def test_many_orders_are_canceled_without_scripts_too(
    chromium_without_scripts: Page, desk: Desk, person: Person, make_service: MakeService
) -> None:
    page = chromium_without_scripts
    enter(page, desk, person)
    orders = place(person.id, make_service(cancel=True), times=2)
    page.goto(f"{desk.url}/orders/")
    for order in orders:
        page.locator(f"#tick{order}").check()
    page.locator(".chosen-actions").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel 2 orders").click()
    expect(page.get_by_text("Done: 2. Not done: 0.")).to_be_visible()


def test_a_key_with_a_long_name_leaves_its_button_in_reach(
    page: Page, screen: Screen, desk: Desk, person: Person
) -> None:
    from tradepost.accounts import keys
    from tradepost.accounts.models import Account

    keys.create(Account.objects.get(pk=person.id), name="x" * 100, networks=["203.0.113.0/24"] * 3)
    page.goto(f"{desk.url}/api/keys/")
    box = page.get_by_role("button", name="Revoke").bounding_box()
    card = page.locator(".keys").bounding_box()
    assert box
    assert card
    assert box["x"] + box["width"] <= card["x"] + card["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= screen.width
