"""A walk over every page of panel and back office, as each role: what no page may have.

The walk begins at the first page and follows every link, to one page of each kind. It fails on a link that leads
nowhere, words of the framework, fields without a name, errors of scripts, pages wider than their window, faults that
axe calls serious, and pages that are too heavy.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.backoffice.conftest import Things
from tests.backoffice.conftest import things as things  # noqa: PLC0414 - a fixture
from tests.builders import place, settle
from tests.conftest import Desk
from tests.e2e.axe import serious_faults
from tests.e2e.chromium import DESK, comes_true, window
from tests.e2e.conftest import Person, enter
from tests.e2e.crawl import BACK_OFFICE, PANEL, PUBLIC, Area, Frontier, kind_of
from tradepost.engine.statuses import Status

WIDTHS = (390, 1280, 1440)
NEXT_BYTES_MAX = 30_000
FRAMEWORK_TEXTS = (
    "to view",
    "to change",
    "procrastinate job",
    "yielded",
    "pbkdf2",
    "Django",
    "Reset filters",
    "Mozilla/5.0",
    "Hold down",
    "DatabaseDefault",
)
NAME_OF_CODE = re.compile(r"\b[A-Z][a-z]+[A-Z][a-z]+[A-Za-z]*\b")
FIELDS_WITHOUT_NAMES = """() => {
  const all = [...document.querySelectorAll("input, select:not(.select2-hidden-accessible), textarea, button, a")];
  return all.filter((field) => field.type !== "hidden" && field.checkVisibility() && !field.labels?.length
  && !field.ariaLabel && !field.getAttribute("aria-labelledby")
  && !(field.matches("button, a")
    && (field.innerText.trim() || field.title || field.querySelector("img[alt], svg")))
  && !(field.matches("[type=submit], [type=button], [type=reset]") && field.value)
).map((field) => field.outerHTML.slice(0, 120));
}"""

CUT_LISTS = """(() => [...document.querySelectorAll(".list, .overflow-x-auto:has(#result_list)")]
  .filter((box) => box.clientWidth && box.scrollWidth > box.clientWidth + 1)
  .map((box) => [box.scrollWidth, box.clientWidth]))
"""


class Walk:
    """One browser that follows links and collects faults."""

    def __init__(self, context: BrowserContext, desk: Desk, area: Area) -> None:
        self.faults: list[tuple[Any, ...]] = []
        self.opened: set[str] = set()
        self._desk, self._area = desk, area
        self._frontier = Frontier(desk.url, area)
        self._sizes: dict[str, int] = {}  # of all addresses, when they were not in the cache
        self._loaded: dict[str, str] = {}  # addresses of this page's requests, by id
        self._page = context.new_page()
        self._page.on(
            "console", lambda message: self._note("console", message.text) if message.type == "error" else None
        )
        self._page.on("pageerror", lambda error: self._note("script", str(error)))
        network = context.new_cdp_session(self._page)
        network.send("Network.enable")
        network.on(
            "Network.requestWillBeSent", lambda sent: self._loaded.update({sent["requestId"]: sent["request"]["url"]})
        )
        network.on("Network.loadingFinished", self._add_size)

    def go(self, axe_done: set[str]) -> None:
        """Open one page of each kind that can be reached."""
        while self._frontier.waiting:
            self._open(*self._frontier.pop(), axe_done)
        self._page.close()

    def report(self) -> str:
        """Return the faults, one a line."""
        return "\n".join(" | ".join(map(str, fault)) for fault in self.faults)

    def _open(self, address: str, source: str, axe_done: set[str]) -> None:
        self._address = address
        self._loaded.clear()
        self._page.set_viewport_size({"width": DESK.width, "height": DESK.height})
        response = self._page.goto(self._desk.url + address, wait_until="load")
        if not response or not response.ok:
            self._note("broken link", source, response.status if response else None)
            return
        self.opened.add(kind_of(address))
        self._check_words()
        self.faults += [(address, "no name", html) for html in self._page.evaluate(FIELDS_WITHOUT_NAMES)]
        self._check_weight()
        kind = kind_of(urlsplit(self._page.url).path)
        if kind not in axe_done:
            axe_done.add(kind)
            self._check_with_axe()
        for width in WIDTHS:
            self._page.set_viewport_size({"width": width, "height": DESK.height})
            self._check_tables(width)
            wide = self._page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                self._note_if_it_stays_wide(width)
        self._check_links()

    def _note(self, *fault: Any) -> None:
        self.faults.append((self._address, *fault))

    def _check_words(self) -> None:
        text = f"{self._page.title()}\n{self._page.locator('body').inner_text()}"
        self.faults += [(self._address, "words", words) for words in FRAMEWORK_TEXTS if words in text]
        if not self._address.startswith("/api/"):
            self.faults += [(self._address, "a name of the code", name) for name in NAME_OF_CODE.findall(text)]

    def _check_weight(self) -> None:
        document = self._sizes.get(self._page.url.partition("#")[0], 0)
        whole = sum(self._sizes.get(url, 0) for url in set(self._loaded.values()))
        if whole > self._area.bytes_max:
            self._note("heavy on a first visit", whole)
        if document > NEXT_BYTES_MAX:
            self._note("heavy on the next visit", document)

    def _check_with_axe(self) -> None:
        for fault in serious_faults(self._page):
            self._note(*fault)

    def _note_if_it_stays_wide(self, width: int) -> None:
        """Wait a moment: charts follow the window's width a little later."""
        if not comes_true(self._page, "document.documentElement.scrollWidth <= window.innerWidth"):
            self._note("too wide", width, self._page.evaluate("document.documentElement.scrollWidth"))

    def _add_size(self, finished: dict[str, Any]) -> None:
        url = self._loaded.get(finished["requestId"])
        if url:
            self._sizes[url] = max(self._sizes.get(url, 0), int(finished["encodedDataLength"]))

    def _check_tables(self, width: int) -> None:
        """A list leaves columns out where it is narrow, or becomes cards. Tables of figures may scroll in their box."""
        if not comes_true(self._page, f"({CUT_LISTS})().length === 0"):
            self._note("cut list", width, self._page.evaluate(CUT_LISTS))

    def _check_links(self) -> None:
        for address in self._frontier.add_links(self._page, self._address):
            answer = self._page.request.get(self._desk.url + address)
            if not answer.ok:
                self.faults.append((address, "broken link", self._address, answer.status))


@pytest.fixture(scope="module")
def axe_done() -> set[str]:
    """The kinds of pages that axe has seen."""
    return set()


@pytest.fixture
def contexts(chromium: Browser) -> Iterator[Callable[[], BrowserContext]]:
    opened: list[BrowserContext] = []

    def open_one() -> BrowserContext:
        opened.append(window(chromium, DESK))
        return opened[-1]

    yield open_one
    for context in opened:
        context.close()


def _walk(context: BrowserContext, desk: Desk, area: Area, axe_done: set[str]) -> Walk:
    walk = Walk(context, desk, area)
    walk.go(axe_done)
    return walk


def test_pages_for_visitors(contexts: Callable[[], BrowserContext], desk: Desk, axe_done: set[str]) -> None:
    walk = _walk(contexts(), desk, PUBLIC, axe_done)
    assert not walk.faults, walk.report()


def test_pages_for_customers(
    contexts: Callable[[], BrowserContext],
    desk: Desk,
    person: Person,
    make_service: Callable[..., int],
    axe_done: set[str],
) -> None:
    service = make_service(refill=True, cancel=True, dripfeed=True)
    _, completed = place(person.id, service, times=2)
    settle(completed, status=Status.COMPLETED, start_count=5)
    context = contexts()
    enter(context.new_page(), desk, person)
    walk = _walk(context, desk, PANEL, axe_done)
    assert len(walk.opened) >= 12
    assert not walk.faults, walk.report()


@pytest.mark.usefixtures("workers_at_rest")
@pytest.mark.parametrize(("role", "pages_min"), [("owner", 35), ("manager", 30), ("support", 15), ("fulfiller", 5)])
def test_pages_for_staff(
    *,
    role: str,
    pages_min: int,
    contexts: Callable[[], BrowserContext],
    desk: Desk,
    person: Person,
    things: Things,
    axe_done: set[str],
) -> None:
    from django.contrib.auth.models import Group

    from tradepost.accounts.models import Account

    assert things
    member = Account.objects.get(pk=person.id)
    member.is_staff = True
    member.save()
    member.groups.add(Group.objects.get(name=role))
    context = contexts()
    enter(context.new_page(), desk, person)
    walk = _walk(context, desk, BACK_OFFICE, axe_done)
    assert len(walk.opened) >= pages_min
    assert not walk.faults, walk.report()
