"""A member of staff sets up a second factor in a real browser, where the back office does not open without one."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from tests.authenticator_app import shown_code
from tests.conftest import Desk, start_desk, stop_desk
from tests.e2e.chromium import DESK
from tests.e2e.conftest import PASSWORD, sign_in
from tradepost.accounts.creation import create
from tradepost.accounts.role_names import RoleName

_numbers = count(1)


@pytest.fixture
def strict_desk() -> Iterator[Desk]:
    """A desk that requires a second factor of its staff."""
    desk = start_desk(TRADEPOST_STAFF_SECOND_FACTOR="required")
    yield desk
    assert stop_desk(desk) == 0


def test_a_new_supporter_is_led_to_an_authenticator_app_and_back(
    open_window: Callable[..., Page], strict_desk: Desk
) -> None:
    supporter = create(f"factor{next(_numbers)}@e2e.example", PASSWORD, role=RoleName.SUPPORT.value)
    page = open_window(DESK)
    sign_in(page, strict_desk, str(supporter.email))
    page.goto(f"{strict_desk.url}/admin/accounts/account/")
    page.wait_for_url("**/account/2fa/")
    expect(page.get_by_text("a stolen password would open it to strangers")).to_be_visible()
    page.get_by_role("link", name="Activate").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button").first.click()
    page.wait_for_url("**/totp/activate/")
    secret = page.locator("#authenticator_secret").input_value()
    page.locator("[name=code]").fill(shown_code(secret, seconds_left=20))
    page.get_by_role("button", name="Activate").click()
    page.wait_for_url("**/recovery-codes/**")
    page.get_by_role("link", name="Continue to the back office").click()
    page.wait_for_url("**/admin/accounts/account/")
    expect(page.get_by_role("heading", name="Accounts").first).to_be_visible()
