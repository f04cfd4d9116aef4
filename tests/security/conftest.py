"""Attackers and their victims: browsers, and a fast password hash."""

from collections.abc import Iterator

import pytest
from django.core import mail
from django.core.cache import cache
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

from tests.waiting import HANG_SECONDS


@pytest.fixture(scope="package", autouse=True)
def seen_templates() -> Iterator[None]:
    """Keep templates' contexts and mails for the tests, use a fast password hash, and accept old TOTP codes."""
    setup_test_environment()
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        MFA_TOTP_TOLERANCE=HANG_SECONDS // 30,  # an app shows a code for so many seconds
    ):
        yield
    teardown_test_environment()


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Begin each test without mails and without rate limits in use."""
    cache.clear()
    mail.outbox = []
