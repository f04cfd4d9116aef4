"""A client is known by one address, whoever names it."""

import asyncio
from typing import Any

import pytest

from tradepost.api.client_addresses import ForwardedFor, TrustedProxies, without_mapping


@pytest.mark.parametrize(
    ("named", "known"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:0201", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::1", "::1"),
        ("nobody:knows", "nobody:knows"),
        ("", ""),
    ],
)
def test_an_ipv4_address_is_known_as_such(named: str, known: str) -> None:
    assert without_mapping(named) == known


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("198.51.100.9, 192.0.2.1, ::ffff:10.0.0.7", "192.0.2.1"),  # from the end on, up to one that is no proxy
        ("192.0.2.1, 10.0.0.7", "192.0.2.1"),
    ],
)
def test_proxies_are_passed_over_from_the_end_on(forwarded_for: str, client: str) -> None:
    proxies = TrustedProxies(["10.0.0.0/8"])
    assert "::ffff:10.0.0.7" in proxies
    assert "192.0.2.1" not in proxies
    assert proxies.get_trusted_client_address(forwarded_for)[0] == client


@pytest.mark.parametrize(("peer", "client"), [("::ffff:10.0.0.7", "192.0.2.1"), ("198.51.100.9", "198.51.100.9")])
def test_only_a_proxy_names_the_client(peer: str, client: str) -> None:
    seen: list[Any] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["client"][0])

    headers = [(b"x-forwarded-for", b"::ffff:192.0.2.1")]
    scope: Any = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": headers}
    forwarded: Any = ForwardedFor(application, ["10.0.0.0/8"])
    asyncio.run(forwarded(scope, None, None))
    assert seen == [client]
