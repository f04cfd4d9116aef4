"""An hour of support in a real browser: what customers write about most, each by one click and one confirmation."""

import re
from collections.abc import Callable
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from tests.builders import place, settle
from tests.conftest import Desk
from tests.e2e.chromium import Screen
from tests.e2e.conftest import PASSWORD, Person, enter
from tradepost.accounts.creation import create
from tradepost.accounts.role_names import RoleName
from tradepost.engine.statuses import Status
from tradepost.orders.models import Order, OrderNote, Refill

_numbers = count(1)

type OpenWindow = Callable[..., Page]


@pytest.fixture
def page(open_window: OpenWindow, screen: Screen, desk: Desk) -> Page:
    """The back office, open for a supporter."""
    supporter = create(f"supporter{next(_numbers)}@e2e.example", PASSWORD, role=RoleName.SUPPORT.value)
    opened = open_window(screen)
    enter(opened, desk, Person(supporter.pk, supporter.email))
    opened.goto(f"{desk.url}/admin/")
    return opened


@pytest.fixture
def orders(person: Person, make_service: Callable[..., int]) -> tuple[int, int]:
    """An order that is completed, and one that nobody has begun."""
    delivered, waiting = place(person.id, make_service(refill=True, refill_days=0), 2)
    settle(delivered, status=Status.COMPLETED)
    return delivered, waiting


def confirm(page: Page, button: str, typed: dict[str, str] | None = None) -> None:
    """Press a button of the page, fill its dialog in, and confirm."""
    link = page.locator("a:not([href='#'])", has_text=re.compile(rf"^\s*{button}\s*$")).first
    expect(link).to_be_attached()
    if not link.is_visible():
        page.locator("a", has_text=re.compile(r"^\s*More\b")).locator("visible=true").first.click()
    link.click()
    dialog = page.locator("#dialog")
    for label, text in (typed or {}).items():
        dialog.get_by_label(label).fill(text)
    dialog.get_by_role("button", name=button).click()


def test_what_customers_write_about_is_done_on_the_orders_page(page: Page, desk: Desk, orders: tuple[int, int]) -> None:
    delivered, waiting = orders
    page.goto(f"{desk.url}/admin/orders/order/{delivered}/change/")
    confirm(page, "Ask for refill")
    expect(page.get_by_text("Refill requested.")).to_be_visible()
    assert Refill.objects.filter(order=delivered).exists()
    confirm(page, "Write a note", {"Note": "Wrote twice, in a hurry"})
    expect(page.get_by_text("Wrote twice, in a hurry").first).to_be_visible()
    page.goto(f"{desk.url}/admin/orders/order/{waiting}/change/")
    confirm(page, "Start count and remains", {"Start count": "1000", "Remains": "60"})
    expect(page.get_by_text("Start count and remains are saved.")).to_be_visible()
    confirm(page, "Cancel and refund")
    expect(page.get_by_text("Canceled and refunded.")).to_be_visible()
    assert Order.objects.get(pk=waiting).status == "Canceled"


def test_a_refund_of_a_delivered_order_is_red_and_asks_why(page: Page, desk: Desk, orders: tuple[int, int]) -> None:
    delivered, _ = orders
    page.goto(f"{desk.url}/admin/orders/order/?q={delivered}")
    page.get_by_role("checkbox", name=re.compile("Select")).last.check()
    page.get_by_label("Select action to run").select_option(label="Cancel and refund")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("was delivered").first).to_be_visible()
    page.get_by_label("Refund delivered orders, too").check()
    page.get_by_role("button", name="Show what that does").click()
    expect(page.get_by_text("Say why delivered orders are refunded.")).to_be_visible()
    page.get_by_label("Why refund delivered orders?").fill("Wrong country")
    page.get_by_role("button", name="Show what that does").click()
    expect(page.get_by_text("your role has no limit for payments yet").first).to_be_visible()
    assert not OrderNote.objects.filter(order=delivered).exists()


def test_control_k_leads_to_an_order(page: Page, orders: tuple[int, int]) -> None:
    delivered, _ = orders
    page.keyboard.press("Control+k")
    page.keyboard.type(str(delivered))
    first = page.locator("#command-results-list a").first
    expect(first).to_contain_text(f"Order {delivered}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/orders/order/{delivered}/change/")
