"""Follows the links of the panel and the back office from a first page to one page of each kind."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

from playwright.sync_api import Page

LINKS = '() => [...document.querySelectorAll("a[href]:not([hx-get])")].map((link) => link.href)'
# Signing out ends a crawl; a log-in as a customer changes who crawls; the rest are files and parts of pages.
LEFT_OUT = re.compile(
    r"/logout/|/language|/jsi18n/|/acting/|\.csv|/export|/autocomplete/|/static/|/openapi|/file/|/healthz"
)


class Area(NamedTuple):
    """Where a crawl begins, and where it stays."""

    name: str
    start: str
    inside: str
    bytes_max: int  # of a page on a first visit, with all that it loads


PUBLIC = Area("public", "/", "/", 150_000)
PANEL = Area("panel", "/dashboard/", "/", 150_000)
BACK_OFFICE = Area("back office", "/admin/", "/admin/", 400_000)


class Frontier:
    """The pages that a crawl has found and not opened yet, one of each kind, each with the page that links to it."""

    def __init__(self, site_url: str, area: Area) -> None:
        self._site_url, self._area = site_url, area
        self._known = {kind_of(area.start)}
        self.waiting = [(area.start, "the start")]

    def pop(self) -> tuple[str, str]:
        """Return the address of the next page, and that of the page where it was found."""
        return self.waiting.pop(0)

    def add_links(self, page: Page, address: str) -> list[str]:
        """Add the pages of new kinds that this page links to. Return the new kinds of addresses that have a query.

        Those are the same pages with filters or in another order: they are not opened, but they must be there.
        """
        with_queries = []
        for href in page.evaluate(LINKS):
            url = urlsplit(urljoin(page.url, href))
            found = url.path + (f"?{url.query}" if url.query else "")
            if not self._is_inside(href, url.path) or kind_of(found) in self._known:
                continue
            self._known.add(kind_of(found))
            if url.query:
                with_queries.append(found)
            else:
                self.waiting.append((found, address))
        return with_queries

    def _is_inside(self, href: str, path: str) -> bool:
        if not href.startswith(self._site_url) or LEFT_OUT.search(href) or not path.startswith(self._area.inside):
            return False
        return self._area is BACK_OFFICE or not path.startswith("/admin/")


def kind_of(address: str) -> str:
    """Return what addresses of pages of the same kind have in common."""
    url = urlsplit(address)
    path = re.sub(r"\d+", "N", url.path)
    return f"{path}?{'&'.join(sorted({name for name, _ in parse_qsl(url.query)}))}"
