"""Debian's Chromium for tests and screenshots: at desk and phone width, without access to other machines."""

import shutil
from typing import NamedTuple

from playwright.sync_api import Browser, BrowserContext, Playwright

PROGRAM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS_MAX = 15_000


class Screen(NamedTuple):
    """A window's name and size."""

    name: str
    width: int
    height: int


DESK = Screen("desk", 1280, 860)
PHONE = Screen("phone", 390, 844)


def launch(playwright: Playwright) -> Browser:
    """Start Chromium."""
    return playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)


def window(browser: Browser, screen: Screen, *, scheme: str = "light") -> BrowserContext:
    """Open a window with its own cookies, in which nobody has signed in."""
    context = browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=screen is PHONE,
        reduced_motion="reduce",
        locale="en-US",
    )
    context.set_default_timeout(WAIT_MS_MAX)
    return context
