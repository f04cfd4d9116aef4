"""Sign-up says nothing about who has an account, neither in words nor in time; and no page waits for a mail server."""

import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import override_settings
from django.urls import reverse

from tests.mail_queue import mailed
from tests.security.people import PASSWORD, browser, person, sign_in
from tradepost.accounts.models import OutgoingMail

HOST = "127.0.0.1"


class CountingHasher(MD5PasswordHasher):
    """A fast hasher that knows how often it was asked."""

    algorithm = "counted_md5"
    calls = 0

    def encode(self, password: str, salt: str) -> str:
        """Count, and hash."""
        type(self).calls += 1
        return super().encode(password, salt)


@pytest.fixture
def hasher() -> Iterator[type[CountingHasher]]:
    """The only hasher, which counts."""
    name = f"{CountingHasher.__module__}.{CountingHasher.__qualname__}"
    with override_settings(PASSWORD_HASHERS=[name]):
        CountingHasher.calls = 0
        yield CountingHasher


class MailServer(socketserver.ThreadingTCPServer):
    """A mail server that notes who connects, and then says nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        super().__init__((HOST, 0), socketserver.StreamRequestHandler)

    def finish_request(self, *_: Any) -> None:
        """Note the connection, and close it."""
        self.connections += 1


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever).start()
        options = {"host": HOST, "port": server.server_address[1], "timeout": 5}
        smtp = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
        with override_settings(MAILERS={"default": smtp}):
            yield server
        server.shutdown()


def sign_up(email: str) -> Any:
    return browser().post(reverse("account_signup"), {"email": email, "password1": PASSWORD})


def test_a_password_is_hashed_once_whether_the_address_has_an_account_or_not(hasher: type[CountingHasher]) -> None:
    known = person()
    hasher.calls = 0
    taken = sign_up(str(known))
    calls, hasher.calls = hasher.calls, 0
    free = sign_up(f"new.{known}")
    assert calls == hasher.calls == 1
    assert (taken.status_code, taken.headers["Location"]) == (free.status_code, free.headers["Location"])
    assert [message.to[0] for message in mailed()] == [str(known), f"new.{known}"]


def test_a_password_is_hashed_once_at_a_sign_in_whether_there_is_an_account_or_not(
    hasher: type[CountingHasher],
) -> None:
    known = person()
    counts = []
    for email in (str(known), f"nobody.{known}"):
        hasher.calls = 0
        sign_in(browser(), email, "wrong horse battery")
        counts.append(hasher.calls)
    assert counts == [1, 1]


def test_no_page_speaks_to_the_mail_server(mail_server: MailServer) -> None:
    known = person()
    for email in (str(known), f"new.{known}"):
        sign_up(email)
        browser().post(reverse("account_reset_password"), {"email": email})
    client = browser("192.0.2.9")
    sign_in(client, known)
    sign_in(browser("192.0.2.10"), known)  # a new device
    assert mail_server.connections == 0
    waiting = OutgoingMail.objects.count()
    assert waiting >= 5
    mailed()  # the worker does speak to it, which hangs up on it
    assert mail_server.connections == waiting
    assert OutgoingMail.objects.count() == waiting  # and gets them later
