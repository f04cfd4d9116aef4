"""`scripts/screenshots FOLDER`: pictures of the main pages of a demo desk, at desk and phone width, light and dark."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.e2e.chromium import DESK, PHONE, PROGRAM, Screen, launch, window

PAGES = {
    "overview": "/dashboard/",
    "new-order": "/orders/new/?service=1",
    "mass-order": "/orders/mass/",
    "orders": "/orders/",
    "order": "/orders/{order}/",
    "services": "/services/",
    "money": "/money/",
    "api": "/api/",
    "keys": "/api/keys/",
    "settings": "/settings/",
}
BACK_OFFICE = {
    "back-office": "/admin/",
    "back-office-orders": "/admin/orders/order/",
    "back-office-services": "/admin/catalog/service/",
    "back-office-sales": "/admin/reports/service/?preset=30",
    "back-office-account": "/admin/accounts/account/{account}/change/",
}
WIDE = Screen("desk", 1440, 900)  # beside the back office's menu
STILL_MS = 700  # the wait until charts and charges are drawn
ORDERS = 5
DELIVERED_PERCENT = 60


def main() -> None:
    """Run a demo desk, place some orders as a customer, and take the pictures."""
    if len(sys.argv) != 2 or not PROGRAM:
        sys.exit("usage: scripts/screenshots FOLDER (it needs chromium)")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tradepost-screenshots-") as home:
        os.environ["TRADEPOST_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
        from tests.conftest import start_desk, stop_desk

        desk = start_desk("--demo", TRADEPOST_HOME=home, TRADEPOST_SIMULATOR_SECONDS="600")
        try:
            people = json.loads((Path(home) / "demo.json").read_text())
            customer = people["accounts"][2]
            ids = _order(Path(home), customer["email"])
            _take_all(folder, desk.url, {**ids, "customer": customer, "staff": people["staff"]})
        finally:
            stop_desk(desk)


def _order(home: Path, email: str) -> dict[str, Any]:
    """Place orders, begin to deliver most of them, and return the ids that the pictures' URLs need."""
    from tradepost.up.postgres import Postgres

    os.environ["DATABASE_URL"] = Postgres(home).url
    import django

    django.setup()
    from tests.builders import place, settle
    from tradepost.accounts.models import Account
    from tradepost.engine.statuses import Status
    from tradepost.reports import rollup

    account = Account.objects.get(email=email).pk
    orders = [
        place(account, service, link=f"https://pixelpond.example/p/{service * 7919:x}", quantity="1000")[0]
        for service in range(1, ORDERS + 1)
    ]
    for order in orders[:-2]:
        settle(order, status=Status.IN_PROGRESS, start_count=order, remains=1000 - 10 * DELIVERED_PERCENT)
    for _ in rollup.catch_up():  # or the pictures would say that the totals are being brought up to date
        pass
    return {"order": orders[0], "account": account}


def _take_all(folder: Path, url: str, ids: dict[str, Any]) -> None:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for scheme in ("light", "dark"):
            for screen in (DESK, PHONE):
                _take_panel(window(browser, screen, scheme=scheme), _Camera(folder, screen, scheme), url, ids)
            for screen in (WIDE, PHONE):
                _take_back_office(window(browser, screen, scheme=scheme), _Camera(folder, screen, scheme), url, ids)
        browser.close()


class _Camera(NamedTuple):
    """Takes pictures at one size and colour scheme, and stores them in a folder."""

    folder: Path
    screen: Screen
    scheme: str

    def take(self, page: Page, name: str) -> None:
        page.wait_for_timeout(STILL_MS)
        page.screenshot(path=self.folder / f"{name}-{self.screen.name}-{self.scheme}.png")


def _take_panel(context: BrowserContext, camera: _Camera, url: str, ids: dict[str, Any]) -> None:
    page = context.new_page()
    page.goto(f"{url}/account/login/")
    camera.take(page, "sign-in")
    _sign_in(page, ids["customer"])
    page.wait_for_url("**/dashboard/")
    for name, address in PAGES.items():
        page.goto(url + address.format(**ids))
        if name == "new-order":
            _fill(page)
        camera.take(page, name)
    context.close()


def _take_back_office(context: BrowserContext, camera: _Camera, url: str, ids: dict[str, Any]) -> None:
    page = context.new_page()
    page.goto(f"{url}/admin/")
    _sign_in(page, ids["staff"])
    page.wait_for_url("**/admin/")
    for name, address in BACK_OFFICE.items():
        page.goto(url + address.format(**ids))
        camera.take(page, name)
    context.close()


def _sign_in(page: Page, person: dict[str, Any]) -> None:
    page.get_by_label("Email").fill(person["email"])
    page.get_by_label("Password", exact=True).fill(person["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()


def _fill(page: Page) -> None:
    page.get_by_label("Link").fill("https://pixelpond.example/p/spring")
    page.get_by_label("Quantity").fill("1000")


if __name__ == "__main__":
    main()
