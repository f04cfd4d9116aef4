"""A reseller's day in a real browser: many orders at once, refills, cancellations, and a statement for the books."""

import re
from collections.abc import Callable
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from tests.builders import settle
from tests.conftest import Desk
from tests.e2e.chromium import Screen
from tests.e2e.conftest import Person, enter
from tradepost.engine.statuses import Status
from tradepost.ledger import operations
from tradepost.orders.models import Order, Refill

LINK = "https://pixelpond.example/shop"
_numbers = count(1)


@pytest.fixture
def page(open_window: Callable[..., Page], screen: Screen, desk: Desk, person: Person) -> Page:
    """A window in which the reseller has signed in, on the overview."""
    opened: Page = open_window(screen)
    enter(opened, desk, person)
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.url)
    opened.goto(f"{desk.url}/dashboard/")
    return opened


@pytest.fixture
def service(make_service: Callable[..., int]) -> int:
    """A service whose orders may be refilled and canceled."""
    return make_service(name=f"Dugong Likes {next(_numbers)}", refill=True, refill_days=0, cancel=True)


def test_a_resellers_day(page: Page, screen: Screen, desk: Desk, person: Person, service: int) -> None:
    orders = place_many(page, desk, person, service)
    settle(orders[0], status=Status.COMPLETED, start_count=1_000)
    settle(orders[1], status=Status.IN_PROGRESS, start_count=2_000, remains=50)
    read_the_list(page, desk, orders)
    refill(page, orders[0])
    cancel_two(page, desk, orders[2:])
    order_again(page, desk, orders[0])
    read_the_statement(page, desk)
    make_a_key(page, desk)
    assert page.evaluate("document.documentElement.scrollWidth") <= screen.width
    assert operations.check() == []


def place_many(page: Page, desk: Desk, person: Person, service: int) -> list[int]:
    """Paste four lines of which one is wrong, correct it, and place them."""
    page.goto(f"{desk.url}/orders/mass/")
    box = page.get_by_label("Orders")
    box.fill("\n".join([f"{service} | {LINK}/{number} | 200" for number in range(3)] + [f"{service} | {LINK}/3 | 1"]))
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Minimum quantity is 10")).to_be_visible()
    expect(page.locator(".line-numbers .bad")).to_have_text(["4"])
    box.fill("\n".join(f"{service} | {LINK}/{number} | 200" for number in range(4)))
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Place 4 orders ($0.72)").click()
    expect(page.get_by_text("4 orders placed.")).to_be_visible()
    return list(Order.objects.filter(account=person.id).order_by("pk").values_list("pk", flat=True))


def read_the_list(page: Page, desk: Desk, orders: list[int]) -> None:
    """See start count, remains and progress without opening an order, and follow and copy a link."""
    page.goto(f"{desk.url}/orders/")
    row = page.locator("#rows tr", has=page.locator(f"#tick{orders[1]}"))
    expect(row).to_contain_text("2,000")
    expect(row).to_contain_text("50")
    expect(row.get_by_role("link", name=f"{LINK}/1")).to_have_attribute("href", f"{LINK}/1")
    row.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{LINK}/1"


def refill(page: Page, order: int) -> None:
    page.locator(f"#refill{order}").click()
    page.get_by_role("dialog").get_by_role("button", name="Refill").click()
    expect(page.get_by_text(f"Order {order}: Refill requested")).to_be_visible()
    assert Refill.objects.filter(order=order).exists()


def cancel_two(page: Page, desk: Desk, orders: list[int]) -> None:
    """Tick two orders, cancel them at once, and find the money in the balance."""
    page.goto(f"{desk.url}/orders/")
    for order in orders:
        page.locator(f"#tick{order}").check()
    page.locator(".chosen-actions").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel 2 orders").click()
    expect(page.get_by_text("Done: 2. Not done: 0.")).to_be_visible()
    expect(page.locator("#balance b")).to_have_text("$99.64")
    assert set(Order.objects.filter(pk__in=orders).values_list("status", flat=True)) == {"Canceled"}


def order_again(page: Page, desk: Desk, order: int) -> None:
    page.goto(f"{desk.url}/orders/")
    page.locator(f"#again{order}").click()
    expect(page.get_by_label("Link")).to_have_value(f"{LINK}/0")
    expect(page.get_by_label("Quantity")).to_have_value("200")


def read_the_statement(page: Page, desk: Desk) -> None:
    """Print the statement: opening and closing balance with the totals between them, and nothing to press."""
    page.goto(f"{desk.url}/money/")
    page.get_by_role("link", name="Print").click()
    expect(page.get_by_text("Closing balance")).to_be_visible()
    opening, *totals, closing = page.locator(".tile").all_inner_texts()
    assert (opening.split()[-1], closing.split()[-1]) == ("$0.00", "$99.64")
    assert {total.split()[-1] for total in totals} == {"+$100.00", "-$0.72", "+$0.36"}
    page.emulate_media(media="print")
    expect(page.locator(".head .doing")).to_be_hidden()
    page.emulate_media(media="screen")


def make_a_key(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/api/keys/")
    page.get_by_label("Name").fill("Shop")
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#made")).to_have_text(re.compile(r"^tp_live_"))
