"""Attackers and their victims: browsers at addresses of their own, a fast password hash, and a public https desk."""

import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest
from django.test.utils import override_settings, setup_test_environment, teardown_test_environment

from tests import asking
from tests.conftest import start_desk, stop_desk
from tests.panel.conftest import fresh_limits as fresh_limits  # noqa: PLC0414 - a fixture
from tests.waiting import HANG_SECONDS

HOST = "panel.example"
PUBLIC_URL = f"https://{HOST}"
BY_THE_PROXY = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


class PublicDesk(NamedTuple):
    """A desk whose address is `PUBLIC_URL`; `url` is its port on this machine."""

    url: str

    def get(self, path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx2.Response:
        """Get a page as the proxy does, or with other headers."""
        return asking.get(self.url + path, headers=BY_THE_PROXY if headers is None else headers, **options)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="package")
def public_desk() -> Iterator[PublicDesk]:
    """A desk on the test database that is reached at `PUBLIC_URL`."""
    port = free_port()
    running = start_desk("--port", str(port), TRADEPOST_URL=PUBLIC_URL)
    yield PublicDesk(f"http://127.0.0.1:{port}")
    assert stop_desk(running) == 0


@pytest.fixture(scope="package", autouse=True)
def seen_templates() -> Iterator[None]:
    """Keep templates' contexts and mails for the tests, use a fast password hash, and accept old TOTP codes."""
    setup_test_environment()
    with override_settings(
        PASSWORD_HASHERS=[
            "django.contrib.auth.hashers.MD5PasswordHasher",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # for passwords that a desk is to check
        ],
        MFA_TOTP_TOLERANCE=HANG_SECONDS // 30,  # an app shows a code for so many seconds
    ):
        yield
    teardown_test_environment()
