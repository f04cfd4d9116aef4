"""Asks axe what is hard to use on a page: https://github.com/dequelabs/axe-core."""

from typing import NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS = {"serious", "critical"}


class AxeFault(NamedTuple):
    """What axe calls serious: its rule, the element, and what would mend it."""

    rule: str
    element: str
    summary: str


def serious_faults(page: Page) -> list[AxeFault]:
    """Return what axe finds on the page as it is now, up to three elements for each rule."""
    return [
        AxeFault(each["id"], node["html"][:200], node["failureSummary"][:200])
        for each in Axe().run(page).response["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"][:3]
    ]
