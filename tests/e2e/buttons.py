"""Presses the buttons of a page of the back office: in a row on a desk, in menus on a phone."""

import re

from playwright.sync_api import Page, expect

from tests.waiting import until


def follow(page: Page, button: str) -> None:
    """Press a button of the page, wherever it is: in the row, in the menu *Actions*, or under *More*."""
    link = page.locator("#content a, .tp-actions a, a[hx-get]", has_text=re.compile(rf"^\s*{re.escape(button)}\s*$"))
    expect(link.first).to_be_attached()  # the page is there, and so are its menus
    menu = page.get_by_role("button", name="Actions", exact=True)
    more = page.locator("summary", has_text="More")
    if menu.is_visible():
        menu.click()
    until(lambda: link.first.is_visible() or more.is_visible(), f"the button {button} or a menu with it is visible")
    if not link.first.is_visible():
        more.click()
    link.first.click()


def press(page: Page, button: str, typed: dict[str, str] | None = None) -> None:
    """Press a button that opens a dialog, fill the dialog in, and confirm."""
    follow(page, button)
    dialog = page.locator("#dialog")
    for label, text in (typed or {}).items():
        dialog.get_by_label(label).fill(text)
    dialog.get_by_role("button", name=button).click()
