"""An operator's day in a real browser: from a provider's list of services to the report with the profit."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

import pytest
from playwright.sync_api import Locator, Page, expect

from testkit.upstream.faults import Fault
from testkit.upstream.panel import KEY, Offer, Panel
from testkit.upstream.server import Upstream
from tests.conftest import Customer, Desk
from tests.e2e.buttons import follow, press
from tests.e2e.chromium import PHONE, Screen
from tests.e2e.conftest import PASSWORD, Person, enter
from tests.waiting import until
from tradepost.accounts.creation import create
from tradepost.accounts.role_names import RoleName
from tradepost.ledger import operations
from tradepost_client import Client, DefaultOrder

LINK = "https://pixelpond.example/marigold"
RATE_THERE, RATE = Decimal("0.50"), Decimal("1.00")  # cost plus 100 percent
WHOLE, PARTIAL, UNSURE = 1000, 400, 2000  # quantities, by which the test recognizes orders at the provider
REMAINS = 100
LOOK_MS = 1_000
_numbers = count(1)

type OpenWindow = Callable[..., Page]


class Operator:
    """A member of staff in the back office, who follows the menu and presses buttons."""

    def __init__(self, page: Page, screen: Screen, desk: Desk, person: Person) -> None:
        self.page = page
        self.is_on_a_phone = screen is PHONE
        self.desk = desk
        self.person = person
        enter(page, desk, person)
        page.goto(f"{desk.url}/admin/")

    def open(self, item: str) -> None:
        """Follow the menu, whose links begin with an icon."""
        if self.is_on_a_phone:
            self.page.get_by_role("button", name="Menu", exact=True).click()
        menu = self.page.get_by_role("navigation")
        link = menu.get_by_role("link", name=re.compile(rf"^\w+ {item}$"))
        address = link.get_attribute("href")
        link.click()
        self.page.wait_for_url(f"**{address}")

    def search(self, text: str) -> None:
        """Search in the list that is open."""
        field = self.page.get_by_role("search").get_by_role("textbox")
        field.fill(text)
        field.press("Enter")
        self.page.wait_for_url("**q=**")

    def row(self, *texts: str) -> Locator:
        """Return the row that has all of these texts."""
        rows = self.page.get_by_role("row")
        for text in texts:
            rows = rows.filter(has=self.page.get_by_text(text, exact=True))
        return rows

    def row_of(self, order: int, *texts: str) -> Locator:
        """Return the row of an order with all of these texts. Matches its link, as other numbers may equal its id."""
        return self.row(*texts).filter(has=self.page.get_by_role("link", name=str(order), exact=True))

    def act(self, action: str) -> None:
        """Run an action on the rows that are ticked."""
        self.page.get_by_label("Select action to run").select_option(label=action)
        self.page.get_by_role("button", name="Run").click()

    def reads(self, text: str | re.Pattern[str]) -> None:
        """Expect this text on the page."""
        self.sees(self.page.get_by_text(text).first)

    def sees(self, element: Locator) -> None:
        """Expect this element on the page."""
        expect(element).to_be_visible()

    def reload_until(self, element: Locator) -> None:
        """Load the page again until it shows the element: workers, and orders at providers, take a few seconds."""

        def is_shown() -> bool:
            try:
                expect(element).to_be_visible(timeout=LOOK_MS)
            except AssertionError:
                self.page.reload()
                return False
            return True

        until(is_shown, f"the page shows {element}")


@pytest.fixture
def operator(open_window: OpenWindow, screen: Screen, desk: Desk) -> Operator:
    """An owner who has signed in."""
    owner = create(f"owner{next(_numbers)}@e2e.example", PASSWORD, role=RoleName.OWNER.value)
    return Operator(open_window(screen), screen, desk, Person(owner.pk, owner.email))


@pytest.fixture
def name() -> str:
    """The name of this day's provider, category and services, which nothing else has."""
    return f"Marigold {next(_numbers)}"


@pytest.fixture
def upstream(name: str) -> Iterator[Upstream]:
    """A provider's panel that sells two services."""
    offers = [
        Offer(101, name=f"{name} Followers", category=name, rate=RATE_THERE),
        Offer(102, name=f"{name} Likes", category=name, rate=Decimal("0.20")),
    ]
    with Upstream(Panel(offers)) as running:
        yield running


@pytest.fixture
def customer(make_customer: Callable[..., Customer]) -> Customer:
    """A customer with 10.00, who orders by the API."""
    return make_customer("10")


def test_an_operators_day_ends_with_clean_books(
    operator: Operator, name: str, upstream: Upstream, customer: Customer
) -> None:
    began = datetime.now(UTC)
    add_provider(operator, name, upstream)
    import_services(operator, name)
    service = price_services(operator, name)
    whole, partial = order(operator.desk, customer, service, WHOLE, PARTIAL)
    see_them_sent(operator, customer, upstream, whole, partial)
    settle_unsure(operator, customer, upstream, service)
    see_it_completed(operator, customer, whole)
    refund_partial(operator, customer, partial)
    credit(operator, customer)
    read_report(operator, f"{service} · {name} Followers", began)
    approve(operator, customer)
    sell_by_hand(operator, name)
    assert operator.page.evaluate("document.documentElement.scrollWidth") <= operator.page.viewport_size["width"]  # type: ignore[index]
    assert operations.check() == []


def add_provider(operator: Operator, name: str, upstream: Upstream) -> None:
    page = operator.page
    operator.open("Providers")
    page.get_by_role("link", name="add", exact=True).click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("API address").fill(upstream.url)
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Save and continue editing").click()
    operator.reads("was added successfully")
    press(operator.page, "Test connection")
    operator.reads("It answers: 2 services, balance $1,000,000.00.")
    press(operator.page, "Sync now")
    operator.reads("The list is read: 2 services.")


def import_services(operator: Operator, name: str) -> None:
    """Import both services, with rates that stay as they are typed even if the provider's rates change."""
    page = operator.page
    follow(operator.page, "Import services…")
    operator.reload_until(operator.row("102", f"{name} Likes", "$0.20"))
    page.get_by_role("checkbox", name="Select all").check()
    operator.act("Import…")
    operator.reads("Each of the 2 ticked becomes a service")
    page.get_by_role("checkbox", name="rate").uncheck()
    page.get_by_role("button", name="Import").click()
    operator.reads("2 imported.")


def price_services(operator: Operator, name: str) -> int:
    """Set both rates to twice the cost, check the preview, and return the id of the first service."""
    page = operator.page
    operator.open("Services")
    operator.search(name)
    page.get_by_role("checkbox", name="Select all").check()
    operator.act("Edit…")
    page.get_by_label("Rate", exact=True).select_option(label="Cost plus percent")
    page.get_by_label("Figure").fill("100")
    page.get_by_role("button", name="Preview").click()
    operator.sees(page.get_by_role("row").filter(has_text=f"{name} Likes").filter(has_text="$0.24 → $0.40"))
    first = page.get_by_role("row").filter(has_text=f"{name} Followers").filter(has_text=f"$0.60 → ${RATE}")
    service = int(first.inner_text().split(" · ")[0])
    page.get_by_role("button", name="Apply").click()
    operator.reads("2 services changed.")
    return service


def order(desk: Desk, customer: Customer, service: int, *quantities: int) -> list[int]:
    """Order as the customer does, and return the orders' ids."""
    with Client(desk.api_url, customer.key) as client:
        wanted = [DefaultOrder(service=service, link=LINK, quantity=quantity) for quantity in quantities]
        return [int(client.add(each).order) for each in wanted]


def there(upstream: Upstream, quantity: int) -> int:
    """Return the provider's id of the order with this quantity."""
    [id_] = [order.order for order in upstream.panel.accepted if order.quantity == quantity]
    return id_


def see_them_sent(operator: Operator, customer: Customer, upstream: Upstream, whole: int, partial: int) -> None:
    """Find both orders in the list, each with its id at the provider, which then begins to deliver them."""
    page = operator.page
    operator.open("Orders")
    page.get_by_text("Columns").click()
    page.get_by_role("checkbox", name="Id at the provider").check()
    page.get_by_role("button", name="Show these").click()
    operator.sees(page.get_by_role("columnheader", name="Provider's id"))
    operator.search(customer.email)
    for order, quantity in ((whole, WHOLE), (partial, PARTIAL)):
        operator.reload_until(operator.row_of(order, "sent"))
        expect(operator.row_of(order, "sent").locator("td.field-upstream_id")).to_have_text(
            str(there(upstream, quantity))
        )
    upstream.panel.advance(there(upstream, WHOLE), "Completed")
    upstream.panel.advance(there(upstream, PARTIAL), "In progress", remains=PARTIAL // 2)


def settle_unsure(operator: Operator, customer: Customer, upstream: Upstream, service: int) -> None:
    """Lose the answer to an order, follow the alert, and record that the order exists."""
    page = operator.page
    upstream.faults.script(Fault.RESET_AFTER)
    [unsure] = order(operator.desk, customer, service, UNSURE)
    operator.open("Needs review")
    operator.reload_until(operator.row_of(unsure, "unsure"))
    operator.open("Overview")
    page.get_by_role("link", name=re.compile("the provider didn't confirm")).click()
    operator.search(str(unsure))
    operator.row_of(unsure).get_by_role("link").click()
    operator.reads(re.compile("connection lost"))
    press(operator.page, "Provider has it (enter id)", {"Provider's id": str(there(upstream, UNSURE))})
    operator.reads(f"It is followed as {there(upstream, UNSURE)}.")


def see_it_completed(operator: Operator, customer: Customer, whole: int) -> None:
    operator.open("Orders")
    operator.search(customer.email)
    operator.reload_until(operator.row_of(whole, "Completed"))


def refund_partial(operator: Operator, customer: Customer, partial: int) -> None:
    """Refund the rest of an order, and see it in the customer's balance."""
    page = operator.page
    operator.row_of(partial).get_by_role("checkbox").check()
    operator.act("Set partial")
    page.get_by_label("Remains").fill(str(REMAINS))
    page.get_by_role("button", name="Show what that does").click()
    operator.reads("$0.10")
    operator.reads("1 of them exists at a provider, or may exist there")
    page.get_by_role("button", name="Set partial 1 order").click()
    operator.sees(page.locator("#progress").get_by_text("done", exact=True))
    operator.open("Accounts")
    operator.search(customer.email)
    operator.sees(operator.row(customer.email, "$6.70"))


def credit(operator: Operator, customer: Customer) -> None:
    page = operator.page
    page.get_by_role("link", name=customer.email, exact=True).click()
    press(operator.page, "Top up or correct", {"Amount": "5", "Reason": "Paid in cash, receipt 12"})
    operator.reads("Top-up of $5.00: the balance is $11.70.")
    operator.open("Manual payments")
    operator.sees(operator.row(customer.email, "$5.00", "Paid in cash, receipt 12"))


def read_report(operator: Operator, service: str, began: datetime) -> None:
    """Read the totals of all three orders in the report. The newest services come first."""
    page = operator.page
    operator.open("Sales")
    page.get_by_role("link", name="By service").click()
    page.wait_for_url("**/reports/service/**")
    page.get_by_label("From").fill(f"{began:%Y-%m-%d}")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**from=**")
    page.get_by_role("columnheader").get_by_role("link", name="Service").click()
    quantity = WHOLE + PARTIAL + UNSURE
    charged, refunded, cost = (rate / 1000 for rate in (RATE * quantity, RATE * REMAINS, RATE_THERE * quantity))
    figures = [f"${figure:.2f}" for figure in (charged, refunded, charged - refunded, cost, charged - refunded - cost)]
    cells = operator.row(service).get_by_role("cell")
    expect(cells).to_have_text([service, "3", f"{quantity:,}", *figures, "48.5%", "1", "0", "0", "–"])


def approve(operator: Operator, customer: Customer) -> None:
    """Approve what a colleague may not pay alone, by way of the overview."""
    from tests.ledger.payment_staff import payer, wish
    from tradepost.ledger import payments

    payments.make(payer(), wish(customer, "50"))
    operator.open("Overview")
    operator.page.get_by_role("link", name=re.compile("waiting for a second person")).click()
    operator.row(customer.email, "requested").get_by_role("link").first.click()
    press(operator.page, "Approve")
    operator.reads("Approved: top-up of $50.00.")
    operator.open("Accounts")
    operator.search(customer.email)
    operator.sees(operator.row(customer.email, "$61.70"))


def sell_by_hand(operator: Operator, name: str) -> None:
    """Put a service on sale that staff fulfils: from the empty form to the customers' list."""
    page = operator.page
    operator.open("Services")
    if operator.is_on_a_phone:
        page.get_by_role("button", name="Actions", exact=True).click()
    page.locator("a[href^='/admin/catalog/service/add/']").locator("visible=true").first.click()
    page.get_by_label("Name").first.fill(f"{name} by hand")
    page.locator("#id_category + .select2 .select2-selection").click()
    page.locator(".select2-search__field").last.fill(name)
    page.locator(".select2-results__option", has_text=name).first.click()
    for field, text in (("rate", "2"), ("min", "10"), ("max", "500")):
        page.locator(f"#id_{field}").fill(text)
    page.get_by_role("button", name="Save", exact=True).click()
    operator.reads(re.compile("was added successfully"))
    page.goto(f"{operator.desk.url}/services/?q={name}")
    operator.reads(f"{name} by hand")
