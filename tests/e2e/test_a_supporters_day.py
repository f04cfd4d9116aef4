"""A supporter's day in a real browser: what customers write about most, each by one click and one confirmation."""

import re
from collections.abc import Callable
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tests.conftest import Desk, resting_workers
from tests.e2e.buttons import press
from tests.e2e.chromium import DESK, Screen
from tests.e2e.conftest import PASSWORD, Person, enter
from tradepost.accounts.creation import create
from tradepost.accounts.role_names import RoleName
from tradepost.engine.statuses import Status
from tradepost.orders.models import Order, OrderNote, Refill

STOPS_MAX = 120
FOCUSED = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return ["", true];
  const style = getComputedStyle(focused);
  const name = focused.labels?.[0]?.innerText || focused.ariaLabel || focused.innerText || focused.title || "";
  return [name.trim(), style.outlineStyle !== "none" || style.boxShadow !== "none"];
}"""
_numbers = count(1)

on_a_desk = pytest.mark.parametrize("screen", [DESK], ids=["desk"], indirect=True)

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


def test_what_customers_write_about_is_done_on_the_orders_page(page: Page, desk: Desk, orders: tuple[int, int]) -> None:
    delivered, waiting = orders
    page.goto(f"{desk.url}/admin/orders/order/{delivered}/change/")
    press(page, "Ask for refill")
    expect(page.get_by_text("Refill requested.")).to_be_visible()
    assert Refill.objects.filter(order=delivered).exists()
    press(page, "Write a note", {"Note": "Wrote twice, in a hurry"})
    expect(page.get_by_text("Wrote twice, in a hurry").first).to_be_visible()
    page.goto(f"{desk.url}/admin/orders/order/{waiting}/change/")
    press(page, "Edit link", {"Link": "https://pixelpond.example/the-right-one"})
    expect(page.get_by_role("link", name="https://pixelpond.example/the-right-one").first).to_be_visible()
    press(page, "Start count and remains", {"Start count": "1000", "Remains": "60"})
    expect(page.get_by_text("Start count and remains are saved.")).to_be_visible()
    press(page, "Cancel and refund")
    expect(page.get_by_text("Canceled and refunded.")).to_be_visible()
    assert Order.objects.get(pk=waiting).status == "Canceled"


def test_an_order_is_seen_as_its_customer_sees_it(page: Page, desk: Desk, orders: tuple[int, int]) -> None:
    delivered, _ = orders
    page.goto(f"{desk.url}/admin/orders/order/{delivered}/change/")
    press(page, "As the customer sees it", {"Reason": "Says that nothing came"})
    page.wait_for_url(f"**/orders/{delivered}/")
    page.get_by_role("button", name="Return to my account").click()
    page.wait_for_url("**/admin/**")


def test_many_orders_are_refilled_and_told_to_their_provider_at_once(
    page: Page, screen: Screen, desk: Desk, person: Person, make_service: Callable[..., int]
) -> None:
    service, offer = make_service(refill=True, refill_days=0), make_offer(make_provider())
    route(service, offer)
    orders = []
    with resting_workers():
        for id_ in ("7001", "7002"):
            orders += place(person.id, service)
            attempt(offer.provider_id, orders[-1], "sent", upstream_id=id_)
            settle(orders[-1], status=Status.COMPLETED)
    for action, button in (("Ask for refill", "Ask for refill 2 orders"), ("Tell the provider", "Tell the provider")):
        if action == "Tell the provider":  # supporters don't learn who the providers are: a manager does it
            manager = create(f"manager{next(_numbers)}@e2e.example", PASSWORD, role=RoleName.MANAGER.value)
            enter(page, desk, Person(manager.pk, manager.email))
        page.goto(f"{desk.url}/admin/orders/order/?q={person.email}")
        page.get_by_role("checkbox", name="Select all").check()
        page.get_by_label("Select action to run").select_option(label=action)
        page.get_by_role("button", name="Run").click()
        page.get_by_role("button", name=re.compile(f"^{button}")).click()
        expect(page.locator("#progress").get_by_text("done", exact=True)).to_be_visible()
    message = page.locator("textarea").first
    expect(message).to_have_value(re.compile("7001.*7002", re.DOTALL))
    assert Refill.objects.filter(order__in=orders).count() == 2
    assert OrderNote.objects.filter(order__in=orders).count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= screen.width


@on_a_desk
def test_a_whole_bulk_action_takes_no_more_than_the_keyboard(page: Page, desk: Desk, orders: tuple[int, int]) -> None:
    _, waiting = orders
    page.goto(f"{desk.url}/admin/orders/order/?q={waiting}")
    press_until(page, "Tab", lambda focused: focused.startswith("Select") and focused != "Select all rows")
    page.keyboard.press("Space")
    press_until(page, "Tab", lambda focused: focused == "Select action to run")
    choose(page, "Cancel and refund")
    press_until(page, "Tab", lambda focused: focused.startswith("Run"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/bulkaction/**")
    press_until(page, "Tab", lambda focused: focused == "Cancel and refund 1 order")
    page.keyboard.press("Enter")
    expect(page.locator("#progress").get_by_text("done", exact=True)).to_be_visible()
    assert Order.objects.get(pk=waiting).status == "Canceled"


def choose(page: Page, option: str) -> None:
    """Choose an option of the list that has the focus, by the arrow key."""
    for _ in range(STOPS_MAX):
        page.keyboard.press("ArrowDown")
        if page.evaluate("document.activeElement.selectedOptions[0].text.trim()") == option:
            return
    pytest.fail(f"no such option: {option}")


def press_until(page: Page, key: str, is_there: Callable[[str], bool]) -> None:
    """Press a key until the element with the focus has this name. Each stop on the way must be visibly focused."""
    stops = []
    for _ in range(STOPS_MAX):
        page.keyboard.press(key)
        name, is_marked = page.evaluate(FOCUSED)
        if not name:
            continue  # the window, between the page's last element and its first
        assert is_marked, f"the focus on {name!r} can't be seen"
        stops.append(name)
        if is_there(name):
            return
    pytest.fail(f"no such element within {STOPS_MAX} stops, which were {stops}")


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
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type(str(delivered))
    first = page.locator("#command-results-list a").first
    expect(first).to_contain_text(f"Order {delivered}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/orders/order/{delivered}/change/")
