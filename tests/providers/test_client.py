"""No call goes to a private address unless the operator allows it; the check comes before the first byte."""

import socket
from collections.abc import Iterator

import pytest
from django.test import override_settings

from testkit.upstream.panel import KEY
from testkit.upstream.server import Upstream
from tests.builders import make_provider
from tradepost_client import NotSent

REFUSED = "is at a private address, which is not allowed"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket on loopback; a connection to it would show."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1"])
@override_settings(TRADEPOST_PRIVATE_ADDRESSES=False)
def test_a_private_address_is_refused_before_anything_is_sent(listener: socket.socket, host: str) -> None:
    from tradepost.providers.client import client_of

    provider = make_provider(f"http://{host}:{listener.getsockname()[1]}/api/v2")
    with client_of(provider) as panel, pytest.raises(NotSent, match=REFUSED):
        panel.balance()
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize(
    "host",
    [
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "[::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ],
)
@override_settings(TRADEPOST_PRIVATE_ADDRESSES=False)
def test_every_kind_of_private_address_is_refused(host: str) -> None:
    from tradepost.providers.client import client_of

    with client_of(make_provider(f"https://{host}/api/v2")) as panel, pytest.raises(NotSent, match=REFUSED):
        panel.balance()


@override_settings(TRADEPOST_PRIVATE_ADDRESSES=False)
def test_a_name_that_nobody_knows_is_said_to_be_unknown() -> None:
    from tradepost.providers.client import client_of

    with client_of(make_provider("https://panel.invalid/api/v2")) as panel, pytest.raises(NotSent, match="not known"):
        panel.balance()


def test_a_private_address_is_reached_if_the_operator_allows_it() -> None:
    from tradepost.providers.client import client_of

    with Upstream() as upstream, client_of(make_provider(upstream.url)) as panel:
        assert panel.balance().currency == "USD"
        assert upstream.asked("balance")[0].parameters["key"] == KEY
