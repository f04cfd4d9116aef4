"""Accounts: sign-up and sign-in, second factors, mails, and the user's settings."""

import io
import re
import socketserver
import threading
from itertools import count
from typing import ClassVar

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from tests.authenticator_app import shown_code
from tests.conftest import Customer
from tests.mail_queue import mailed
from tests.panel.conftest import HOST, browser, page, site_settings
from tradepost.accounts import creation, invitations, keys
from tradepost.accounts.models import Account, OutgoingMail
from tradepost.config import environment

PASSWORD = "correct horse battery"
_numbers = count(1)


@pytest.fixture
def newcomer() -> str:
    """An address without an account."""
    return f"newcomer{next(_numbers)}@panel.example"


def sign_up(client: Client, email: str, password: str = PASSWORD, query: str = "") -> str:
    """Sign up, and return the URL of the redirect."""
    response = client.post(reverse("account_signup") + query, {"email": email, "password1": password})
    return str(response.headers.get("Location", ""))


def sign_in(client: Client, email: str, password: str = PASSWORD) -> str:
    response = client.post(reverse("account_login"), {"login": email, "password": password})
    return str(response.headers.get("Location", ""))


def prove(client: Client) -> None:
    """Give the password again, as pages for security settings require."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def person(*, staff: bool = False) -> Account:
    """Create an account as the command does, and return it."""
    return creation.create(f"person{next(_numbers)}@panel.example", PASSWORD, role="owner" if staff else None)


def test_a_newcomer_signs_up_verifies_the_address_and_is_in(newcomer: str) -> None:
    client = browser()
    assert sign_up(client, newcomer) == reverse("account_email_verification_sent")
    assert sign_in(browser(), newcomer) == reverse("account_email_verification_sent")  # not before it is verified
    [link] = re.findall(r"http\S+confirm-email/\S+", str(mailed()[0].body))
    confirmed = client.post(link.replace(f"http://{HOST}", ""))
    assert confirmed.headers["Location"] == reverse("panel:dashboard")
    assert "0.00" in page(client, reverse("panel:dashboard"))


def test_an_address_is_one_account_however_it_is_typed(newcomer: str) -> None:
    sign_up(browser(), newcomer)
    sign_up(browser(), newcomer.upper())
    assert Account.objects.filter(email__iexact=newcomer).count() == 1


@pytest.mark.parametrize("password", ["short", "password1234"])
def test_a_weak_password_is_refused(newcomer: str, password: str) -> None:
    assert sign_up(browser(), newcomer, password) == ""
    assert not Account.objects.filter(email=newcomer).exists()


def test_a_closed_desk_takes_nobody(newcomer: str) -> None:
    with override_settings(TRADEPOST_SIGN_UP="closed"):
        sign_up(browser(), newcomer)
    assert not Account.objects.filter(email=newcomer).exists()


def test_an_invitation_is_good_for_its_address_only(newcomer: str) -> None:
    query = invitations.invite(newcomer, "").removeprefix(reverse("account_signup"))
    with override_settings(TRADEPOST_SIGN_UP="invitation"):
        sign_up(browser(), newcomer)
        sign_up(browser(), newcomer, query="?invitation=made-up")
        assert not Account.objects.filter(email=newcomer).exists()
        client = browser()
        assert newcomer in page(client, reverse("account_signup") + query)
        assert sign_up(client, "somebody@else.example") == ""
        assert sign_up(client, newcomer) == reverse("account_email_verification_sent")
    assert Account.objects.filter(email=newcomer).exists()


def test_guessing_passwords_is_slowed_down() -> None:
    account = person()
    for _ in range(5):
        assert sign_in(browser(), str(account.email), "wrong horse battery") == ""
    assert sign_in(browser(), str(account.email)) == ""
    assert sign_in(browser(), str(person().email)) == reverse("panel:dashboard")


def test_a_forgotten_password_is_set_anew_by_mail() -> None:
    account = person()
    client = browser()
    client.post(reverse("account_reset_password"), {"email": account.email})
    [link] = re.findall(rf"http://{HOST}(\S+)", str(mailed()[0].body))
    form = client.get(link, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": "staple horse battery", "password2": "staple horse battery"})
    assert sign_in(browser(), str(account.email), "staple horse battery") == reverse("panel:dashboard")


def test_a_reset_tells_nobody_who_has_an_account() -> None:
    answers = [
        browser().post(reverse("account_reset_password"), {"email": email}).headers["Location"]
        for email in (str(person().email), "unknown@panel.example")
    ]
    assert answers[0] == answers[1]


def test_a_second_factor_is_asked_for_and_recovery_codes_replace_it() -> None:
    account = person()
    client = browser()
    sign_in(client, str(account.email))
    assert client.get(reverse("mfa_activate_totp")).headers["Location"].startswith(reverse("account_reauthenticate"))
    prove(client)
    form = client.get(reverse("mfa_activate_totp")).context["form"]
    code = shown_code(form.secret)
    client.post(reverse("mfa_activate_totp"), {"code": code})
    codes = re.findall(r"\b\d{8}\b", page(client, reverse("mfa_view_recovery_codes")))
    assert len(codes) == 10
    other = browser()
    assert sign_in(other, str(account.email)) == reverse("mfa_authenticate")
    assert other.get(reverse("panel:dashboard")).status_code == 302
    assert other.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    entered = other.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert entered.headers["Location"] == reverse("panel:dashboard")


def test_staff_passes_the_second_factor_too() -> None:
    account = person(staff=True)
    client = browser()
    sign_in(client, str(account.email))
    assert client.get(reverse("mfa_activate_totp")).headers["Location"].startswith(reverse("account_reauthenticate"))
    prove(client)
    form = client.get(reverse("mfa_activate_totp")).context["form"]
    client.post(reverse("mfa_activate_totp"), {"code": shown_code(form.secret)})
    other = browser()
    sign_in(other, str(account.email))
    assert other.get(reverse("admin:index")).status_code == 302


def test_passkeys_are_offered() -> None:
    client = browser()
    assert "passkey_login" in page(client, reverse("account_login"))
    assert client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"}).status_code == 200
    sign_in(client, str(person().email))
    prove(client)
    assert "credential" in page(client, reverse("mfa_add_webauthn"))


def test_other_sessions_are_listed_and_ended() -> None:
    account = person()
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
    here, there = browser(), Client(SERVER_NAME=HOST, headers={"user-agent": agent})
    for client in (here, there):
        sign_in(client, str(account.email))
        page(client, reverse("panel:dashboard"))
    assert f'title="{agent}">Chrome on Linux<' in page(here, reverse("usersessions_list"))
    here.post(reverse("usersessions_list"))
    assert there.get(reverse("panel:dashboard")).status_code == 302
    assert here.get(reverse("panel:dashboard")).status_code == 200


def test_a_test_account_is_nobodys_to_sign_in_to(alice: Customer) -> None:
    account = Account.objects.get(pk=alice.id)
    keys.create(account, test=True)
    test = Account.objects.get(test_of=account)
    for name in ("", "None", str(test), str(test.pk)):
        assert sign_in(browser(), name, "") == ""
    browser().post(reverse("account_reset_password"), {"email": ""})
    assert mailed() == []


def test_a_suspended_account_is_told_nothing_and_let_in_nowhere() -> None:
    account = person()
    Account.objects.filter(pk=account.pk).update(is_active=False)
    client = browser()
    assert sign_in(client, str(account.email)) != reverse("panel:dashboard")
    assert client.get(reverse("panel:dashboard")).status_code == 302


def test_pages_come_as_a_person_wants_them(alice: Customer) -> None:
    client = browser(alice)
    form = {"name": "Алиса", "language": "ru", "timezone": "Asia/Tokyo", "theme": "dark"}
    client.post(reverse("panel:settings"), form)
    text = page(client, reverse("panel:dashboard"), headers={"accept-language": "es"})
    assert '<html lang="ru" dir="ltr" data-theme="dark"' in text
    assert "Алиса" in text


def test_a_time_zone_that_is_none_is_refused(alice: Customer) -> None:
    browser(alice).post(reverse("panel:settings"), {"timezone": "Mars/Olympus", "theme": "", "language": ""})
    assert not Account.objects.get(pk=alice.id).timezone


@pytest.mark.parametrize("typed", ["America/New_York", "New York", "new york", "Nueva York"])
def test_a_time_zone_is_found_by_its_city(alice: Customer, typed: str) -> None:
    form = {"timezone": typed, "theme": "", "language": ""}
    browser(alice).post(reverse("panel:settings"), form, headers={"accept-language": "es"})
    assert Account.objects.get(pk=alice.id).timezone == "America/New_York"


@pytest.mark.parametrize(("stored", "kept"), [("", "Asia/Tokyo"), ("Europe/Madrid", "Europe/Madrid")])
def test_an_account_without_a_time_zone_takes_the_browsers_when_it_signs_in(stored: str, kept: str) -> None:
    account = person()
    Account.objects.filter(pk=account.pk).update(timezone=stored)
    client = browser()
    client.cookies["timezone"] = "Asia/Tokyo"
    sign_in(client, str(account.email))
    assert Account.objects.get(pk=account.pk).timezone == kept


def test_a_time_zone_that_no_browser_has_is_ignored() -> None:
    account = person()
    client = browser()
    client.cookies["timezone"] = "../../etc/passwd"
    sign_in(client, str(account.email))
    assert not Account.objects.get(pk=account.pk).timezone


class Post(socketserver.StreamRequestHandler):
    """A mail server that accepts every mail."""

    taken: ClassVar[list[str]] = []

    def handle(self) -> None:
        """Speak the few commands of SMTP that Django uses."""
        self._say(b"220 post")
        while line := self.rfile.readline():
            command = line[:4].upper()
            if command == b"DATA":
                self._say(b"354 go on")
                self.taken.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
            self._say(b"221 bye" if command == b"QUIT" else b"250 post")

    def _say(self, words: bytes) -> None:
        self.wfile.write(words + b"\r\n")


def test_mails_go_to_the_server_that_the_setting_names(newcomer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socketserver.TCPServer((HOST, 0), Post) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("TRADEPOST_MAIL_URL", f"smtp://{HOST}:{server.server_address[1]}")
        named = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": environment.mailer()}
        with override_settings(MAILERS={"default": named}):
            sign_up(browser(), newcomer)
            assert Post.taken == []  # no page speaks to it
            mailed()
        server.shutdown()
    [mail_taken] = Post.taken
    assert f"To: {newcomer}" in mail_taken


def test_a_mail_server_that_is_away_breaks_no_page_and_gets_the_mail_later(newcomer: str) -> None:
    away = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": {"host": "127.0.0.1", "port": 1}}
    with override_settings(MAILERS={"default": away}):
        assert sign_up(browser(), newcomer) == reverse("account_email_verification_sent")
        mailed()
    [waiting] = OutgoingMail.objects.filter(recipient=newcomer)
    assert waiting.tries == 1
    OutgoingMail.objects.update(due_at=timezone.now())
    assert [message.to for message in mailed()] == [[newcomer]]
    assert not OutgoingMail.objects.exists()


def test_without_a_mail_server_mails_go_to_the_log() -> None:
    assert settings.LOGIN_URL == "account_login"
    from tradepost.config import settings as configured

    assert configured.MAILERS["default"]["BACKEND"] == "tradepost.accounts.mail_log.MailLog"


def test_a_mail_has_the_panels_name_and_one_link_which_is_whole_in_the_log() -> None:
    from tradepost.accounts.mail_log import MailLog

    with site_settings(panel_name="Alpha Panel", contact_email="help@alpha.example"):
        browser().post(reverse("account_reset_password"), {"email": person().email}, headers={"accept-language": "ru"})
    [message] = mailed()
    assert message.from_email == "Alpha Panel <tradepost@127.0.0.1>"
    assert message.subject == "Сброс пароля · Alpha Panel"
    assert "help@alpha.example" in message.body
    log = io.StringIO()
    MailLog(stream=log).send_messages([message])
    [line] = [line for line in log.getvalue().splitlines() if "http" in line]
    assert re.fullmatch(rf"http://{HOST}/account/password/reset/key/\S+/", line)
    assert "Сброс пароля" in log.getvalue()


def test_a_page_that_asks_to_write_says_where(alice: Customer) -> None:
    with site_settings(contact_email="help@alpha.example", contact_url="https://t.example/desk", sign_up="closed"):
        pages = [page(browser(), address) for address in ("/", "/account/signup/", "/account/inactive/", "/services/")]
        pages += [page(browser(alice), address) for address in ("/money/add/", "/dashboard/")]
        pages.append(browser().get("/nowhere").content.decode())
    for text in pages:
        assert '<a href="mailto:help@alpha.example">' in text
        assert ">t.example/desk</a>" in text
