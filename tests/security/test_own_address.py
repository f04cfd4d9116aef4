"""Mails and pages name the desk's own address, whatever host the request names."""

import re
from collections.abc import Iterator
from itertools import count

import pytest
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from tests import mail_queue
from tests.conftest import Customer
from tests.security.conftest import HOST, PUBLIC_URL, PublicDesk
from tradepost.accounts.models import Account

HOSTS = [HOST, f"{HOST}:4444", f"{HOST}.", f"{HOST}.:1", HOST.upper()]
_numbers = count(1)


@pytest.fixture(scope="module", autouse=True)
def settings_of_a_public_desk() -> Iterator[None]:
    """Let the settings be those of a public desk."""
    with override_settings(TRADEPOST_URL=PUBLIC_URL, TRADEPOST_IS_LOCAL=False, ALLOWED_HOSTS=[HOST]):
        yield


def links() -> set[str]:
    """Return scheme and host of the links in all mails."""
    found = re.findall(r"\S+://[^/\s]*", "\n".join(str(message.body) for message in mail_queue.mailed()))
    assert found
    return set(found)


@pytest.mark.parametrize("host", HOSTS)
def test_no_host_of_a_request_gets_into_a_mail(host: str) -> None:
    client = Client(headers={"host": host, "x-forwarded-host": "evil.example"})
    email = f"newcomer{next(_numbers)}@mails.example"
    for _ in ("a new address", "one that is there already"):
        client.post(reverse("account_signup"), {"email": email, "password1": "staple horse battery"}, secure=True)
    Account.objects.create_user(known := f"known{next(_numbers)}@mails.example")
    for address in (known, f"unknown{next(_numbers)}@mails.example"):
        client.post(reverse("account_reset_password"), {"email": address}, secure=True)
    assert len(mail_queue.mailed()) >= 3
    assert links() == {PUBLIC_URL}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/", "/api/", "/api/console/"])
def test_no_host_of_a_request_gets_into_an_address_on_a_page(alice: Customer, host: str, path: str) -> None:
    client = Client(headers={"host": host, "x-forwarded-host": "evil.example"})
    if path == "/api/console/":
        client.force_login(Account.objects.get(pk=alice.id))
    text = client.get(path, secure=True).content.decode()
    assert f"{PUBLIC_URL}/api/v2" in text
    assert set(re.findall(r"https?://panel[^/\s\"<]*", text, re.IGNORECASE)) == {PUBLIC_URL}


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_pages_of_a_local_desk_name_the_address_that_they_are_asked_at(host: str) -> None:
    with override_settings(TRADEPOST_URL="http://127.0.0.1:8000", TRADEPOST_IS_LOCAL=True, ALLOWED_HOSTS=["*"]):
        assert f"http://{host}/api/v2" in Client(headers={"host": host}).get("/api/").content.decode()


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "localhost:8000", "evil.example", "panel.localhost"]
)
def test_a_public_desk_answers_to_no_other_name(public_desk: PublicDesk, host: str) -> None:
    assert public_desk.get("/account/login/", {"Host": host, "X-Forwarded-Proto": "https"}).status_code == 400
