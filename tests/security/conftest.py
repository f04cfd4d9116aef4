"""A desk at an https address, as behind a proxy: requests come to a port of this machine, and name the public host."""

import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest

from tests import asking
from tests.conftest import start_desk, stop_desk

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
