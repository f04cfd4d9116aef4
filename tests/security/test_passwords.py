"""Passwords that are easy to guess are refused, with a sentence that helps."""

import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import override_settings
from django.urls import reverse

from tests.panel.conftest import site_settings
from tests.security.people import browser
from tests.waiting import HANG_SECONDS
from tradepost.accounts.models import Account

GOOD = ("correct horse battery", "xK9#mQ2$vL", "три разных слова", "kettle-orbit-velvet", "纸张 river 48 stone")
GUESSABLE = (
    "tradepost2026", "password2024!", "Tradepost1!", "Passw0rd!!", "Tr4d3p0st!!", "2026tradepost", "tradepost-desk",
    "passwordpassword", "qwertyuiop12", "aaaaaaaaaaaa", "1234567890", "iloveyou2025", "Winter2026!!", "letmein2026!!",
    "admin123456!", "abcdefghij", "p@ssw0rd1234", "Welcome2026!",
)  # fmt: skip


def problem(password: str, email: str = "alice.smith@bigpanel.example") -> str:
    """Return what is said against a password; an empty string if it is accepted."""
    try:
        validate_password(password, Account(email=email))
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@pytest.mark.parametrize("password", GOOD)
def test_a_good_password_is_accepted(password: str) -> None:
    assert problem(password) == ""


@pytest.mark.parametrize("password", GUESSABLE)
def test_a_guessable_password_is_refused_with_advice(password: str) -> None:
    assert "three or four words" in problem(password)


@pytest.mark.parametrize("password", ["alice.smith99", "smith-alice-1", "bigpanel2026", "Al1ceSm1th!!", "4lice$mith#1"])
def test_a_password_of_the_address_is_refused(password: str) -> None:
    assert "email address" in problem(password)


@pytest.mark.parametrize("password", ["superpanel1!", "SuperPanel2026", "5uper-panel!", "Super Panel 1"])
def test_a_password_of_the_panels_name_is_refused(password: str) -> None:
    with site_settings(panel_name="Super Panel"):
        assert "panel’s name" in problem(password)


def test_a_good_password_may_have_the_panels_name_in_it() -> None:
    assert problem("tradepost kettle orbit velvet") == ""


@pytest.mark.parametrize("password", ["tradepost2026", "password2024!", "Tradepost1!", "Passw0rd!!"])
def test_sign_up_refuses_it(password: str) -> None:
    answer = browser().post(reverse("account_signup"), {"email": "weak@security.example", "password1": password})
    assert "three or four words" in answer.content.decode()
    assert not Account.objects.filter(email="weak@security.example").exists()


def test_a_password_of_any_length_is_judged_soon() -> None:
    assert problem("a" * 4_000)
    assert problem("kettle orbit velvet " * 200) == ""


class LeakService(http.server.BaseHTTPRequestHandler):
    """Knows the digests of leaked passwords by their first five characters."""

    asked: ClassVar[list[str]] = []
    answer: Callable[[str], str | None] = staticmethod(lambda _prefix: "")

    def do_GET(self) -> None:
        """Answer with the rest of the digests, or not at all."""
        prefix = self.path.rpartition("/")[2]
        self.asked.append(self.path)
        body = type(self).answer(prefix)
        if body is None:
            self.send_error(503)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The address of a service, which the desk is to ask."""
    LeakService.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), LeakService) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/range"
        with override_settings(TRADEPOST_BREACHED_PASSWORDS=url):
            yield url
        server.shutdown()
        thread.join(HANG_SECONDS)


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


@pytest.mark.usefixtures("service")
def test_a_leaked_password_is_refused_and_five_characters_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = sha1(GOOD[0])[5:]
    monkeypatch.setattr(LeakService, "answer", staticmethod(lambda _prefix: f"{'0' * 35}:0\r\n{rest}:7\r\n"))
    assert "leaked" in problem(GOOD[0])
    assert LeakService.asked == [f"/range/{sha1(GOOD[0])[:5]}"]
    assert problem(GOOD[3]) == ""


@pytest.mark.usefixtures("service")
def test_padding_is_no_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeakService, "answer", staticmethod(lambda _prefix: f"{sha1(GOOD[0])[5:]}:0\r\n"))
    assert problem(GOOD[0]) == ""


@pytest.mark.usefixtures("service")
def test_a_service_that_fails_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeakService, "answer", staticmethod(lambda _prefix: None))
    assert problem(GOOD[0]) == ""


def test_a_service_that_is_away_refuses_nothing() -> None:
    with override_settings(TRADEPOST_BREACHED_PASSWORDS="http://127.0.0.1:1/range"):
        assert problem(GOOD[0]) == ""


@pytest.mark.usefixtures("service")
def test_a_service_that_never_answers_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gave_up = threading.Event()

    def never(_prefix: str) -> str:
        gave_up.wait(HANG_SECONDS)
        return f"{sha1(GOOD[0])[5:]}:7\r\n"

    monkeypatch.setattr(LeakService, "answer", staticmethod(never))
    assert problem(GOOD[0]) == ""
    gave_up.set()


@pytest.mark.usefixtures("service")
def test_nobody_is_asked_unless_the_operator_says_so() -> None:
    with override_settings(TRADEPOST_BREACHED_PASSWORDS=""):
        assert problem(GOOD[0]) == ""
    assert LeakService.asked == []
