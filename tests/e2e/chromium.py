"""Runs Debian's Chromium for tests and screenshots, at desk and phone width, without any network."""

import shutil
import time
from typing import NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.waiting import HANG_SECONDS

PROGRAM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HANG_MS = HANG_SECONDS * 1_000
LOOK_MS = 50


expect.set_options(timeout=HANG_MS)


class Screen(NamedTuple):
    """The size of a window."""

    name: str
    width: int
    height: int


DESK = Screen("desk", 1280, 860)
PHONE = Screen("phone", 390, 844)


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS, timeout=HANG_MS)


def window(
    browser: Browser,
    screen: Screen,
    *,
    scheme: str = "light",
    scripts: bool = True,
    locale: str = "en-US",
    zone: str | None = None,
) -> BrowserContext:
    """Open a window without cookies, so that no user has signed in. `zone` is a name such as Asia/Tokyo."""
    context = browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=screen is PHONE,
        reduced_motion="reduce",
        locale=locale,
        timezone_id=zone,
        java_script_enabled=scripts,
    )
    context.set_default_timeout(HANG_MS)
    return context


def comes_true(page: Page, expression: str) -> bool:
    """Wait until an expression is true in a page, as far as only a hang goes.

    Playwright's `wait_for_function` evaluates within the page from its second try on, which the policy forbids.
    """
    end = time.monotonic() + HANG_MS / 1_000
    while not page.evaluate(expression):
        if time.monotonic() > end:
            return False
        page.wait_for_timeout(LOOK_MS)
    return True
