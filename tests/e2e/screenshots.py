"""`scripts/screenshots FOLDER`: pictures of the main pages of a demo desk, at desk and phone width, light and dark."""

import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

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
    "sign-in": "/account/login/",
}
STILL_MS = 700  # until charts and charges have been drawn
ORDERS = 160
DAYS = 30
SEED = 7  # the same pictures each time, but for the dates

# Orders of the past, as if they had been placed then; nothing but these pictures may move a transfer's date.
PAST = """
SET session_replication_role = replica;
UPDATE orders_order SET created_at = now() - {ago} WHERE account_id = {account};
UPDATE ledger_transfer t SET at = o.created_at FROM orders_order o WHERE o.id = t.order_id AND o.account_id = {account};
"""


def main() -> None:
    """Run a demo desk, give a customer a past, and take the pictures."""
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
            account = json.loads((Path(home) / "demo.json").read_text())["accounts"][2]
            order = _give_past(Path(home), account["email"])
            _take_all(folder, desk.url, account, order)
        finally:
            stop_desk(desk)


def _give_past(home: Path, email: str) -> int:
    """Place orders, have most of them delivered, date them back over a month, and return one that is under way."""
    from tradepost.up.postgres import Postgres

    os.environ["DATABASE_URL"] = Postgres(home).url
    import django

    django.setup()
    from django.db import connection

    from tests.backoffice.conftest import place, settle
    from tradepost.accounts.models import Account
    from tradepost.catalog.models import Service
    from tradepost.engine.order_types import OrderType
    from tradepost.engine.statuses import Status

    chance = random.Random(SEED)
    account = Account.objects.get(email=email).pk
    services = list(Service.objects.filter(type=OrderType.DEFAULT.value, rate__lt=3).order_by("id")[:9])
    orders = []
    for number in range(ORDERS):
        service = chance.choices(services, weights=range(len(services), 0, -1))[0]
        quantity = min(max(service.min, chance.choice([100, 250, 500, 1000])), service.max)
        link = f"https://pixelpond.example/p/{number * 7919:x}"
        orders += [(place(account, service.pk, link=link, quantity=str(quantity))[0], quantity)]
    for order, quantity in orders[:-6]:
        status = chance.choices([Status.COMPLETED, Status.PARTIAL, Status.CANCELED], weights=[14, 2, 1])[0]
        remains = quantity // 3 if status is Status.PARTIAL else None
        settle(order, status=status, start_count=chance.randrange(10, 9_000), remains=remains)
    for order, quantity in orders[-6:-2]:
        settle(order, status=Status.IN_PROGRESS, start_count=chance.randrange(10, 9_000), remains=quantity * 2 // 5)
    first, last = orders[0][0], orders[-1][0]
    ago = f"make_interval(hours => (({last} - id) * {DAYS * 24} / ({last} - {first}))::int)"
    with connection.cursor() as cursor:
        cursor.execute(PAST.format(ago=ago, account=account))
    return orders[-5][0]


def _take_all(folder: Path, url: str, account: dict[str, Any], order: int) -> None:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for screen in (DESK, PHONE):
            for scheme in ("light", "dark"):
                context = window(browser, screen, scheme=scheme)
                _take(context, folder, url, account, order, screen, scheme)
                context.close()
        browser.close()


def _take(  # noqa: PLR0917 - told apart by their types
    context: BrowserContext, folder: Path, url: str, account: dict[str, Any], order: int, screen: Screen, scheme: str
) -> None:
    page = context.new_page()

    def picture(name: str) -> None:
        page.goto(url + PAGES[name].format(order=order))
        if name == "new-order":
            _fill(page)
        page.wait_for_timeout(STILL_MS)
        page.screenshot(path=folder / f"{name}-{screen.name}-{scheme}.png")

    picture("sign-in")
    page.get_by_label("Email").fill(account["email"])
    page.get_by_label("Password", exact=True).fill(account["password"])
    page.get_by_role("button", name="Sign In", exact=True).click()
    page.wait_for_url("**/dashboard/")
    for name in PAGES:
        if name != "sign-in":
            picture(name)


def _fill(page: Page) -> None:
    page.get_by_label("Link").fill("https://pixelpond.example/p/spring")
    page.get_by_label("Quantity").fill("1000")


if __name__ == "__main__":
    main()
