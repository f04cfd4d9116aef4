"""Links in mails lead to the desk's own address, whatever host the request names."""

import re
from collections.abc import Iterator
from itertools import count

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment
from django.urls import reverse

from tests.security.conftest import HOST, PUBLIC_URL, PublicDesk
from tradepost.accounts.models import Account

_numbers = count(1)


@pytest.fixture(scope="module", autouse=True)
def mails_are_kept() -> Iterator[None]:
    """Keep mails, and let the settings be those of a public desk."""
    setup_test_environment()
    with override_settings(TRADEPOST_URL=PUBLIC_URL, ALLOWED_HOSTS=[HOST]):
        yield
    teardown_test_environment()


@pytest.fixture(autouse=True)
def no_mail_yet() -> None:
    cache.clear()
    mail.outbox = []


def links() -> set[str]:
    """Return scheme and host of the links in all mails."""
    found = re.findall(r"\S+://[^/\s]*", "\n".join(str(message.body) for message in mail.outbox))
    assert found
    return set(found)


@pytest.mark.parametrize("host", [HOST, f"{HOST}:4444", f"{HOST}.", f"{HOST}.:1", HOST.upper()])
def test_no_host_of_a_request_gets_into_a_mail(host: str) -> None:
    client = Client(headers={"host": host, "x-forwarded-host": "evil.example"})
    email = f"newcomer{next(_numbers)}@mails.example"
    client.post(
        reverse("account_signup"), {"email": email, "password1": "correct horse battery"}, secure=True
    )  # confirm address
    client.post(
        reverse("account_signup"), {"email": email, "password1": "correct horse battery"}, secure=True
    )  # is there already
    Account.objects.create_user(known := f"known{next(_numbers)}@mails.example")
    for address in (known, f"unknown{next(_numbers)}@mails.example"):
        client.post(reverse("account_reset_password"), {"email": address}, secure=True)
    assert len(mail.outbox) >= 3
    assert links() == {PUBLIC_URL}


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "localhost:8000", "evil.example", "panel.localhost"]
)
def test_a_public_desk_answers_to_no_other_name(public_desk: PublicDesk, host: str) -> None:
    assert public_desk.get("/account/login/", {"Host": host, "X-Forwarded-Proto": "https"}).status_code == 400
