"""`scripts/screenshots FOLDER`: pictures of every page of a demo desk, and those of the documents.

Each page that links lead to is taken whole, at desk and phone width, light and dark, for visitors, a customer and an
owner. Of every kind of page there is one. The pictures of the documents are as large as the window: they are in the
folder's folder `docs`, for `docs/images`.
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.chromium import DESK, PHONE, PROGRAM, Screen, launch, window
from tests.e2e.crawl import BACK_OFFICE, PANEL, PUBLIC, Area, Frontier

WIDE = Screen("desk", 1440, 900)
if TYPE_CHECKING:  # the fixtures read the environment that is set below
    from tests.conftest import Desk

STILL_MS = 300  # the wait until charts and charges are drawn
ORDERS = 5
DELIVERED_PERCENT = 60
QUANTITY = 1000


class Picture(NamedTuple):
    """A picture of the documents: what it is called, whose page it is, and the address with ids to fill in."""

    name: str
    area: Area
    address: str
    screen: Screen = WIDE
    scheme: str = "light"


PICTURES = (
    Picture("front-page", PUBLIC, "/"),
    Picture("overview", PANEL, "/dashboard/"),
    Picture("new-order", PANEL, "/orders/new/?service=1", scheme="dark"),
    Picture("orders", PANEL, "/orders/"),
    Picture("orders-on-a-phone", PANEL, "/orders/", PHONE),
    Picture("order-on-a-phone", PANEL, "/orders/{order}/", PHONE, "dark"),
    Picture("statement", PANEL, "/money/"),
    Picture("back-office", BACK_OFFICE, "/admin/"),
    Picture("back-office-order", BACK_OFFICE, "/admin/orders/order/{order}/change/"),
    Picture("back-office-orders", BACK_OFFICE, "/admin/orders/order/", scheme="dark"),
    Picture("back-office-services", BACK_OFFICE, "/admin/catalog/service/"),
    Picture("back-office-on-a-phone", BACK_OFFICE, "/admin/orders/order/{order}/change/", PHONE),
)


def main() -> None:
    """Run a demo desk, place some orders as a customer, and take the pictures."""
    if len(sys.argv) != 2 or not PROGRAM:
        sys.exit("usage: scripts/screenshots FOLDER (it needs chromium)")
    folder = Path(sys.argv[1])
    (folder / "docs").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tradepost-screenshots-") as home:
        from tests.conftest import start_desk, stop_desk

        # After this import, which tidies the environment and has a home of its own.
        os.environ["TRADEPOST_HOME"] = home
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in this thread
        desk = start_desk("--demo", TRADEPOST_HOME=home, TRADEPOST_SIMULATOR_SECONDS="600")
        try:
            people = json.loads((Path(home) / "demo.json").read_text())
            ids = _add_rows(Path(home), people["accounts"][2]["email"], people["staff"]["email"])
            with sync_playwright() as playwright:
                browser = launch(playwright)
                _Photographer(browser, desk, ids).take(folder)
                browser.close()
        finally:
            stop_desk(desk)


def _add_rows(home: Path, email: str, staff: str) -> dict[str, int]:
    """Add what customers and staff do on a busy day, and return the ids that addresses of pictures need."""
    from tradepost.up.postgres import Postgres

    os.environ["DATABASE_URL"] = Postgres(home).url
    import django

    django.setup()
    from tests.builders import place, settle
    from tests.ledger.payment_staff import payer, wish
    from tradepost.accounts.models import Account, Impersonation
    from tradepost.catalog.models import CustomRate, PriceList
    from tradepost.engine.statuses import Status
    from tradepost.ledger import payments
    from tradepost.orders.bulk_action_types import BulkActionKind
    from tradepost.orders.bulk_actions import lifecycle
    from tradepost.orders.models import CancelRequest, OrderNote, Refill, StuckOrder
    from tradepost.providers.models import Provider, RefusalText
    from tradepost.reports import rollup

    account, member = Account.objects.get(email=email), Account.objects.get(email=staff)
    CustomRate.objects.create(account=account, service_id=2, rate="1.20")
    PriceList.objects.create(name="Resellers", discount_percent=10)
    orders = [
        place(account.pk, service, link=f"https://pixelpond.example/p/{service * 7919:x}", quantity=str(QUANTITY))[0]
        for service in range(1, ORDERS + 1)
    ]
    for order in orders[:-2]:
        settle(order, status=Status.IN_PROGRESS, start_count=order, remains=QUANTITY - 10 * DELIVERED_PERCENT)
    first, second, *_, slow = orders
    OrderNote.objects.create(
        order_id=first, author=member, text="The customer wrote that it is slow; told the provider"
    )
    Refill.objects.create(order_id=first, account=account)
    CancelRequest.objects.create(order_id=second, account=account)
    StuckOrder.objects.create(order_id=slow, reason="slow", expected_within=timedelta(hours=1))
    [provider, *_] = Provider.objects.all()
    RefusalText.objects.create(provider=provider, key="quantum flux", text="Quantum flux", count=3)
    payment = payments.make(payer(), wish(account.pk, "50"))
    Impersonation.objects.create(
        account=account, staff=payment.requested_by, reason="Ticket 51: sees no orders", expires_at=payment.requested_at
    )
    lifecycle.draft(BulkActionKind.CANCEL, member, orders[:2])
    for _ in rollup.catch_up():  # or the pictures would say that the totals are being brought up to date
        pass
    return {"order": first, "account": account.pk, "staff": member.pk}


class _Photographer:
    """Opens pages as visitors, a customer and an owner see them, and takes their pictures."""

    def __init__(self, browser: Browser, desk: "Desk", ids: dict[str, int]) -> None:
        from tests.e2e.conftest import Person

        self._browser, self._desk, self._ids = browser, desk, ids
        self._people = {PANEL: Person(ids["account"], ""), BACK_OFFICE: Person(ids["staff"], "")}

    def take(self, folder: Path) -> None:
        """Take all pictures."""
        for picture in PICTURES:
            page = self._open(picture.area, picture.screen, picture.scheme)
            page.goto(self._desk.url + picture.address.format(**self._ids))
            if picture.name == "new-order":
                page.get_by_label("Link").fill("https://pixelpond.example/p/spring")
                page.get_by_label("Quantity").fill(str(QUANTITY))
            page.wait_for_timeout(2 * STILL_MS)
            page.screenshot(path=folder / "docs" / f"{picture.name}.png")
            page.context.close()
        for area in (PUBLIC, PANEL, BACK_OFFICE):
            addresses = list(self._find(area))
            for screen in (WIDE if area is BACK_OFFICE else DESK, PHONE):
                for scheme in ("light", "dark"):
                    page = self._open(area, screen, scheme)
                    for address in addresses:
                        page.goto(self._desk.url + address)
                        page.wait_for_timeout(STILL_MS)
                        name = _file_name(area, address)
                        page.screenshot(path=folder / f"{name}-{screen.name}-{scheme}.png", full_page=True)
                    page.context.close()

    def _find(self, area: Area) -> Iterator[str]:
        page = self._open(area, DESK, "light")
        frontier = Frontier(self._desk.url, area)
        while frontier.waiting:
            address, _ = frontier.pop()
            if page.goto(self._desk.url + address).ok:  # type: ignore[union-attr]  # only a page in this page has none
                frontier.add_links(page, address)
                yield address
        page.context.close()

    def _open(self, area: Area, screen: Screen, scheme: str) -> Page:
        from tests.e2e.conftest import enter

        page = window(self._browser, screen, scheme=scheme).new_page()
        if area in self._people:
            enter(page, self._desk, self._people[area])
        return page


def _file_name(area: Area, address: str) -> str:
    """Return a name for pictures of this page: `back-office-orders-order-change`."""
    words = re.sub(r"^/admin/", "/", address).replace("/", " ").split()
    return "-".join([area.name.replace(" ", "-"), *(word for word in words if not word.isdecimal())])


if __name__ == "__main__":
    main()
