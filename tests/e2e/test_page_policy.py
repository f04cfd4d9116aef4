"""The back office in a browser that is held to its policy: injected scripts do not run, and everything else works."""

import re
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from tests.builders import place
from tests.conftest import Desk
from tests.e2e.chromium import DESK, HANG_MS, comes_true, window
from tests.e2e.conftest import PASSWORD, Person, enter
from tradepost.accounts.creation import create
from tradepost.accounts.role_names import RoleName

# What slips in where escaping has been forgotten. Each sets `window.ran`, if it runs.
INJECTED = """
<script>window.ran = "script"</script>
<img src="/static/nothing.png" onerror="window.ran = 'onerror'">
<svg onload="window.ran = 'onload'"></svg>
<a id="code-link" href="javascript:void(window.ran = 'link')">link</a>
<div x-data x-init="window.ran = 'x-init'"></div>
<div x-data x-init="$el.ownerDocument.defaultView.ran = 'x-init by the element'"></div>
<div x-data x-init="constructor.constructor('window.ran = 1')()"></div>
<div x-data x-html="'<img src=x onerror=window.ran=1>'"></div>
<div hx-on:click="window.ran = 'hx-on'" id="hx-on"></div>
<div hx-get="/healthz" hx-trigger="load [window.ran = 'filter']" hx-vals="js:{a: window.ran = 'hx-vals'}"></div>
<style>h1 { display: none }</style>
"""
# Not at once: while Playwright evaluates, the browser lets it.
EVALUATE = """() => {
  setTimeout(() => {
    try { window.outcome = eval("'evaluated'"); } catch (error) { window.outcome = error.name; }
  });
}"""
_numbers = count(1)

type OpenWindow = Callable[..., Page]


@pytest.fixture
def owner() -> Person:
    made = create(f"strict{next(_numbers)}@e2e.example", PASSWORD, role=RoleName.OWNER.value)
    return Person(made.pk, made.email)


@pytest.fixture
def page(open_window: OpenWindow, desk: Desk, owner: Person) -> Page:
    """The back office, open for an owner on a desk. No page may complain."""
    opened = open_window(DESK)
    enter(opened, desk, owner)
    return opened


@pytest.fixture
def attacked(chromium: Browser, desk: Desk, owner: Person) -> Iterator[Page]:
    """A window in which complaints are allowed: what the policy blocks is among them."""
    context = window(chromium, DESK)
    opened = context.new_page()
    enter(opened, desk, owner)
    yield opened
    context.close()


def _open_injected(page: Page, desk: Desk, *, policy: bool) -> list[str]:
    """Open the overview with injected markup, under its own policy or under none. Return what the browser blocks."""

    def inject(route: Route) -> None:
        response = route.fetch()
        headers = {name: value for name, value in response.headers.items() if name != "content-encoding"}
        if not policy:
            del headers["content-security-policy"]
        body = response.text().replace("</main>", f"{INJECTED}</main>")
        assert INJECTED in body
        route.fulfill(response=response, headers=headers, body=body)

    blocked: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            blocked.append(message.text)

    page.on("console", note)
    page.route("**/admin/", inject)
    page.goto(f"{desk.url}/admin/", wait_until="load")
    assert comes_true(page, "window.Alpine && document.querySelector('html').dataset.menu")
    page.evaluate("document.querySelector('#hx-on').click()")
    page.evaluate("document.querySelector('#code-link').click()")
    page.wait_for_load_state("networkidle")
    return blocked


def test_what_is_injected_into_a_page_does_not_run(attacked: Page, desk: Desk) -> None:
    blocked = _open_injected(attacked, desk, policy=True)
    assert attacked.evaluate("window.ran") is None
    assert attacked.evaluate("getComputedStyle(document.querySelector('h1')).display") != "none"
    for kind in ("inline script", "inline event handler", "inline style", "JavaScript"):
        assert any(kind in message for message in blocked), (kind, blocked)


def test_without_the_policy_it_would_run(attacked: Page, desk: Desk) -> None:
    _open_injected(attacked, desk, policy=False)
    assert attacked.evaluate("window.ran") is not None


def test_nothing_is_evaluated(attacked: Page, desk: Desk) -> None:
    attacked.goto(f"{desk.url}/admin/")
    attacked.evaluate(EVALUATE)
    assert comes_true(attacked, "window.outcome")
    assert attacked.evaluate("window.outcome") == "EvalError"


def test_the_theme_is_chosen_and_stays(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/admin/")
    whole = page.locator("html")
    page.locator("#nav-sidebar").get_by_text("unfold_more").click()
    dark = page.get_by_text("dark_mode")
    dark.click()
    expect(whole).to_have_class("dark")
    page.keyboard.press("Escape")
    page.locator("h1, h2").first.click()
    expect(dark).to_be_hidden()
    page.reload()
    expect(whole).to_have_class("dark")
    page.keyboard.press("Control+e")
    expect(whole).to_have_class("light")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--color-primary-600')").strip()


def test_the_keys_of_the_keyboard_open_search_and_help(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/admin/")
    page.keyboard.press("Shift+?")
    expect(page.get_by_role("heading", name="Available shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Available shortcuts")).to_be_hidden()
    page.keyboard.press("Control+k")
    field = page.locator("#search-input-command")
    expect(field).to_be_focused()
    field.press_sequentially("Price lists")
    result = page.locator("#command-results-list a").first
    expect(result).to_contain_text("Price lists")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/catalog/pricelist/")


def test_a_form_leads_to_its_own_address_and_takes_more_rows(
    page: Page, desk: Desk, make_service: Callable[..., int]
) -> None:
    service = make_service()
    address = f"/admin/catalog/service/{service}/change/?from=list"
    page.goto(desk.url + address)
    expect(page.locator("form#service_form")).to_have_attribute("action", address)
    group = page.locator(".inline-related, [data-inline-type]").filter(has=page.locator(".add-row")).first
    rows = group.locator(".form-group:not(.empty-form)")
    before = rows.count()
    group.locator(".add-row").last.click()
    expect(rows).to_have_count(before + 1)


def test_rows_are_ticked_filtered_by_day_and_looked_up(page: Page, desk: Desk, person: Person, service: int) -> None:
    [order] = place(person.id, service)
    page.goto(f"{desk.url}/admin/orders/order/?q={order}")
    page.locator("#result_list input.action-select").check()
    bar = page.locator("#changelist-actions")
    expect(bar).to_be_visible()
    expect(bar.locator(".action-counter")).to_contain_text("1 of 1 selected")
    expect(bar).to_have_attribute("style", re.compile(r"width: \d{3,4}px"))
    expect(bar.get_by_role("button", name="Run")).to_be_hidden()
    page.get_by_label("Select action to run").select_option(index=1)
    expect(bar.get_by_role("button", name="Run")).to_be_visible()

    page.goto(f"{desk.url}/admin/orders/order/")
    page.locator(".filter-open-button").click()
    filters = page.locator("#changelist-filter")
    filters.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").fill(person.email)
    page.locator(".select2-results__option").get_by_text(person.email).click()
    expect(filters.locator(".select2-selection__rendered").first).to_contain_text(person.email)
    filters.locator(".datetimeshortcuts button").first.click()
    page.locator(".calendarbox").get_by_text("15", exact=True).first.click()
    expect(filters.locator("input.vDateField").first).to_have_value(re.compile(r"^\d{4}-\d\d-15$"))
    page.keyboard.press("Escape")
    expect(filters).to_be_hidden()


def test_a_part_that_refreshes_waits_while_the_reader_is_in_it(page: Page, desk: Desk) -> None:
    page.clock.install()
    page.goto(f"{desk.url}/admin/fulfilment/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "tradepost-refresh" in request.headers else None)
    page.evaluate("document.querySelector('#fulfilment').tabIndex = 0")
    link = page.locator("#fulfilment").locator("a, button, [tabindex]").first
    link.focus()
    page.clock.run_for(40_000)
    assert asked == []
    with page.expect_request(lambda request: "tradepost-refresh" in request.headers, timeout=HANG_MS):
        link.blur()
        page.clock.run_for(20_000)
