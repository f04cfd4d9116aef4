"""axe finds nothing serious on any page, and no page is wider than its window; desk and phone width, light and dark."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.builders import place, settle
from tests.conftest import Desk
from tests.e2e.axe import serious_faults
from tests.e2e.chromium import DESK, PHONE, Screen
from tests.e2e.conftest import Person, enter
from tradepost.engine.statuses import Status
from tradepost.site_settings.models import SiteSettings

PUBLIC = ("/", "/account/login/", "/account/signup/", "/account/password/reset/", "/terms/")
PAGES = (
    "/dashboard/",
    "/orders/new/?service={service}",
    "/orders/mass/",
    "/orders/",
    "/orders/{order}/",
    "/orders/drip-feeds/",
    "/services/?q={service}",
    "/services/changes/",
    "/money/",
    "/money/add/",
    "/api/",
    "/api/keys/",
    "/api/console/",
    "/settings/",
    "/account/2fa/",
    "/account/sessions/",
)


@pytest.fixture
def texts() -> Iterator[None]:
    """The operator's texts: a notice on every page, and terms."""
    SiteSettings.objects.update(notice="Closed on Sunday: https://panel.example/", terms="Be kind.")
    yield
    SiteSettings.objects.update(notice="", terms="")


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize(("screen", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk-light", "phone-dark"])
def test_pages_are_for_everybody(
    *,
    screen: Screen,
    scheme: str,
    desk: Desk,
    person: Person,
    open_window: Callable[..., Page],
    make_service: Callable[..., int],
) -> None:
    service = make_service(refill=True, cancel=True, dripfeed=True)
    order, completed = place(person.id, service, times=2)
    settle(completed, status=Status.COMPLETED, start_count=5)
    stranger, page = open_window(screen, scheme=scheme), open_window(screen, scheme=scheme)
    enter(page, desk, person)
    faults = [fault for address in PUBLIC for fault in _faults(stranger, desk.url + address, screen)]
    for address in PAGES:
        faults += _faults(page, desk.url + address.format(service=service, order=order), screen)
    assert faults == []


def _faults(page: Page, address: str, screen: Screen) -> list[tuple[Any, ...]]:
    page.goto(address)
    faults: list[tuple[Any, ...]] = [(address, *fault) for fault in serious_faults(page)]
    for direction in ("ltr", "rtl"):
        width = page.evaluate(f"document.documentElement.dir = '{direction}', document.documentElement.scrollWidth")
        if width > screen.width:
            faults.append((address, f"too wide {direction}", width))
    return faults
