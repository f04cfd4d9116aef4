"""The back office is held to one policy with all pages: no script or style but from files, and nothing evaluated."""

import re
from html.parser import HTMLParser
from typing import cast

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.csp import build_policy

from tests import asking
from tests.backoffice.browsers import sign_in
from tests.backoffice.conftest import Things
from tests.backoffice.conftest import things as things  # noqa: PLC0414 - a fixture
from tests.conftest import Desk

LISTS = [f"admin:{name}_changelist" for name in Things._fields]
PAGES = ["admin:index", "fulfilment", "manual_work", "staff_members", "quality", *LISTS]
DATA = "application/json"
URL_ATTRIBUTES = {"action", "formaction", "href", "src"}

pytestmark = pytest.mark.usefixtures("workers_at_rest")


class Inline(HTMLParser):
    """Finds what the policy would block in a page: scripts and styles that are not files, and handlers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != DATA):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            is_code = name in URL_ATTRIBUTES and (value or "").strip().lower().startswith("javascript:")
            if name.startswith(("on", "hx-on")) or name == "style" or is_code:
                self.found.append(f"{tag} {name}={value}")


@pytest.fixture
def staff() -> Client:
    """An owner of the desk, who may do everything."""
    return sign_in(is_staff=True, is_superuser=True)


def _policy() -> str:
    return build_policy(cast("dict[str, list[str]]", settings.SECURE_CSP))


def _check(staff: Client, address: str) -> None:
    response = staff.get(address, follow=True)
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == _policy()
    assert Inline(response.content.decode()).found == []


def test_the_policy_allows_scripts_and_styles_from_files_alone() -> None:
    assert "unsafe" not in _policy()
    assert settings.SECURE_CSP["default-src"] == ["'self'"]
    assert not {"script-src", "script-src-elem", "script-src-attr", "style-src"} & set(settings.SECURE_CSP)


@pytest.mark.parametrize("name", PAGES)
def test_lists_need_no_more_than_the_policy_allows(staff: Client, things: Things, name: str) -> None:
    assert things
    _check(staff, reverse(name))


@pytest.mark.parametrize("by", ["day", "service", "provider", "account"])
def test_reports_need_no_more(staff: Client, by: str) -> None:
    _check(staff, reverse("report", args=[by]))


@pytest.mark.parametrize("name", Things._fields)
def test_a_row_and_its_history_need_no_more(staff: Client, things: Things, name: str) -> None:
    row = getattr(things, name)
    _check(staff, reverse(f"admin:{name}_change", args=[row]))
    _check(staff, reverse(f"admin:{name}_history", args=[row]))


def test_pages_of_errors_and_those_before_the_sign_in_have_the_policy_too(desk: Desk) -> None:
    for address in ("/admin/", "/admin/login/", "/admin/no/such/page/", "/admin/jsi18n/", "/admin/search/"):
        policy = asking.get(desk.url + address).headers["Content-Security-Policy"]
        assert re.search(r"default-src 'self'(;|$)", policy), address
        assert "unsafe" not in policy
