"""The browser of these tests. Without Chromium the tests are not collected, and `scripts/test` says so."""

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.backoffice.browsers import signed_in
from tests.conftest import Desk
from tests.e2e.chromium import DESK, PHONE, PROGRAM, Screen, launch, window

PASSWORD = "correct horse battery"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_numbers = count(1)

collect_ignore_glob = [] if PROGRAM else ["test_*.py"]


class Person(NamedTuple):
    """A user with an account."""

    id: int
    email: str


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all of these tests, closed before other tests run.

    Playwright keeps an event loop in this thread. Django can live with that, `asyncio.run` in other tests can't.
    """
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(params=[DESK, PHONE], ids=lambda screen: screen.name)
def screen(request: pytest.FixtureRequest) -> Screen:
    """Both sizes of windows, in turns."""
    found: Screen = request.param
    return found


@pytest.fixture
def complaints() -> list[str]:
    """Errors of the pages: broken scripts, resources that the policy blocks, failed requests."""
    return []


@pytest.fixture
def open_window(chromium: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Open windows, which are closed after the test. No page may have had an error."""
    contexts: list[BrowserContext] = []

    def open_one(screen: Screen, *, scheme: str = "light") -> Page:
        contexts.append(window(chromium, screen, scheme=scheme))
        page = contexts[-1].new_page()
        page.on("console", lambda message: _note(message, complaints))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def chromium_without_scripts(chromium: Browser) -> Iterator[Page]:
    """A window whose pages run no scripts."""
    context = window(chromium, DESK, scripts=False)
    yield context.new_page()
    context.close()


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type == "error":
        complaints.append(message.text)


@pytest.fixture
def person() -> Person:
    """A user with an account and 100.00."""
    from tradepost.accounts.creation import mark_email_verified
    from tradepost.accounts.models import Account
    from tradepost.ledger import operations

    email = f"visitor{next(_numbers)}@e2e.example"
    account = Account.objects.create_user(email)
    mark_email_verified(account)
    operations.top_up(account.pk, Decimal(100), actor="test")
    return Person(account.pk, email)


def enter(page: Page, desk: Desk, person: Person) -> None:
    """Sign a user in by setting the cookie; only tests of signing in use the form."""
    from django.test import Client

    from tradepost.accounts.models import Account

    client = Client()
    account = Account.objects.get(pk=person.id)
    client.force_login(account, backend=BACKEND)
    signed_in(client, account, seconds_ago=0)
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": desk.url}])


def sign_in(page: Page, desk: Desk, email: str) -> None:
    """Sign in by the form."""
    page.goto(f"{desk.url}/account/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/dashboard/")
