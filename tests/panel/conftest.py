"""Browsers of customers, and one row of each kind that a customer can own."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.test import Client
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

from tests import mail_queue
from tests.builders import place, settle
from tests.conftest import Customer
from tests.waiting import HANG_SECONDS

HOST = "127.0.0.1"


@pytest.fixture(scope="package", autouse=True)
def seen_templates() -> Iterator[None]:
    """Keep templates' contexts and mails for the tests, use a fast password hash, and accept old TOTP codes."""
    setup_test_environment()
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        TRADEPOST_URL=f"http://{HOST}",  # where links in mails lead
        MFA_TOTP_TOLERANCE=HANG_SECONDS // 30,  # an app shows a code for so many seconds
    ):
        yield
    teardown_test_environment()


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Begin each test without mails and without rate limits in use."""
    cache.clear()
    mail_queue.empty()


def browser(customer: Customer | None = None, **options: Any) -> Client:
    """Return a browser, signed in as the customer if there is one."""
    from tradepost.accounts.models import Account

    client = Client(SERVER_NAME=HOST, **options)
    if customer:
        client.force_login(Account.objects.get(pk=customer.id))
    return client


def page(client: Client, address: str, **options: Any) -> str:
    """Return the HTML of a page that opens, each tag on one line with one space between its attributes."""
    response = client.get(address, **options)
    assert response.status_code == 200, (address, response.status_code)
    return re.sub(r"<[^>]+>", lambda tag: " ".join(tag[0].split()), response.content.decode())


@contextmanager
def site_settings(**fields: str) -> Iterator[None]:
    """Change the site settings for a while."""
    from tradepost.site_settings.models import SiteSettings

    was = SiteSettings.objects.values(*fields).get()
    SiteSettings.objects.update(**fields)
    try:
        yield
    finally:
        SiteSettings.objects.update(**was)


class Belongings(NamedTuple):
    """Alice's rows, by the names of the parameters in URLs."""

    service: int
    order: int
    completed: int
    dripfeed: int
    key: int


@pytest.fixture
def belongings(alice: Customer, make_service: Callable[..., int]) -> Belongings:
    """One of everything that a customer can have."""
    from tradepost.accounts.models import Key
    from tradepost.engine.statuses import Status
    from tradepost.orders.models import CancelRequest, Refill

    service = make_service(refill=True, cancel=True, dripfeed=True)
    posts = make_service(type="Subscriptions")
    order, completed, partial = place(alice.id, service, times=3)
    settle(completed, status=Status.COMPLETED, start_count=7)
    settle(partial, status=Status.PARTIAL, remains=40)
    [dripfeed] = place(alice.id, service, runs="3", interval="60")
    place(alice.id, posts, username="alice", min="10", max="20", posts="2", delay="0")
    Refill.objects.create(order_id=completed, account_id=alice.id, status="Completed")
    CancelRequest.objects.create(order_id=partial, account_id=alice.id, state="rejected")
    return Belongings(service, order, completed, dripfeed, Key.objects.get(account=alice.id).pk)
