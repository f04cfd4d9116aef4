"""The desk calls no private address for a provider, however it is written, resolved or redirected to."""

import socket
from typing import Any

import httpx2
import pytest
from django.forms import modelform_factory
from django.test import override_settings

from testkit.upstream.panel import KEY
from testkit.upstream.server import Reply, Upstream
from tests.builders import make_provider
from tradepost.backoffice.providers.provider_admin import ProviderForm
from tradepost.providers.addresses import is_public
from tradepost.providers.client import GuardedTransport, client_of
from tradepost.providers.models import Provider, ProviderService
from tradepost.providers.snapshot import ProviderUnreachableError, fetch_snapshot
from tradepost_client import NotSent, PanelError

PRIVATE = [
    "0.0.0.0", "10.0.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "100.64.0.1",
    "198.18.0.1", "192.0.2.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%1", "fec0::1", "fd00::1", "ff02::1", "ff0e::1", "2001:db8::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::10.0.0.1", "::ffff:0:127.0.0.1", "::ffff:0:10.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1",
    "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:1::1", "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2607:f8b0::5efe:10.0.0.1", "2607:f8b0::200:5efe:127.0.0.1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00:1450:4001::5efe:808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_leads_to_a_private_one_is_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["[64:ff9b::7f00:1]", "[fec0::1]", "[ff0e::1]", "[::7f00:1]", "224.0.0.1"])
@override_settings(TRADEPOST_PRIVATE_ADDRESSES=False)
def test_no_writing_of_a_private_address_is_connected_to(host: str) -> None:
    with (
        client_of(make_provider(f"https://{host}/api/v2")) as panel,
        pytest.raises(NotSent, match="is at a private address"),
    ):
        panel.balance()


@override_settings(TRADEPOST_PRIVATE_ADDRESSES=False)
def test_a_name_that_changes_its_address_after_the_check_is_connected_to_where_it_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The resolver gives a public address first, and this machine's whenever it is asked again."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8" if len(asked) == 1 else "127.0.0.1", port))]

    connected: list[tuple[str, str, object]] = []

    def connect(request: httpx2.Request) -> httpx2.Response:
        connected.append((request.url.host, request.headers["Host"], request.extensions["sni_hostname"]))
        return httpx2.Response(200)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with httpx2.Client(transport=GuardedTransport(httpx2.MockTransport(connect))) as client:
        client.get("https://rebinding.example/api/v2")
        with pytest.raises(httpx2.ConnectError, match="private address"):
            client.get("https://rebinding.example/api/v2")
    assert asked == ["rebinding.example"] * 2  # once for each request
    assert connected == [("8.8.8.8", "rebinding.example", "rebinding.example")]


@override_settings(TRADEPOST_PRIVATE_ADDRESSES=False)
def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with client_of(make_provider("https://both.example/api/v2")) as panel, pytest.raises(NotSent, match="private"):
        panel.balance()


@override_settings(TRADEPOST_PROVIDERS_HTTP=False)
def test_a_key_is_not_sent_over_plain_http_unless_the_operator_says_so() -> None:
    with Upstream() as upstream:
        with client_of(make_provider(upstream.url)) as panel, pytest.raises(NotSent, match="would travel in clear"):
            panel.balance()
        assert upstream.seen == []
        with override_settings(TRADEPOST_PROVIDERS_HTTP=True), client_of(make_provider(upstream.url)) as panel:
            panel.balance()
        assert upstream.asked("balance")[0].parameters["key"] == KEY


@pytest.mark.parametrize(
    ("url", "is_allowed"), [("http://panel.example/api/v2", False), ("https://panel.example/api/v2", True)]
)
@override_settings(TRADEPOST_PROVIDERS_HTTP=False)
def test_staff_can_enter_no_address_over_plain_http(url: str, *, is_allowed: bool) -> None:
    form = modelform_factory(Provider, ProviderForm, fields=["url"])({"url": url})
    assert ("url" not in form.errors) is is_allowed
    if not is_allowed:
        assert "TRADEPOST_PROVIDERS_HTTP=allow" in str(form.errors["url"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_so_the_key_goes_nowhere_else(status: int) -> None:
    with Upstream() as elsewhere, Upstream() as upstream:
        upstream.canned = [Reply(b"", status, headers=(("Location", elsewhere.url),))]
        with client_of(make_provider(upstream.url)) as panel, pytest.raises(PanelError):
            panel.balance()
        assert elsewhere.seen == []


def test_a_list_that_redirects_changes_nothing() -> None:
    with Upstream() as elsewhere, Upstream() as upstream:
        provider = make_provider(upstream.url)
        upstream.replies["services"] = Reply(b"", 302, headers=(("Location", elsewhere.url),))
        with pytest.raises(ProviderUnreachableError):
            fetch_snapshot(provider)
        assert elsewhere.seen == []
        assert not ProviderService.objects.filter(provider=provider).exists()


def test_a_list_that_is_huge_is_cut_off() -> None:
    with Upstream() as upstream:
        provider = make_provider(upstream.url)
        upstream.replies["services"] = Reply(b'[{"service": 1, "name": "' + b"x" * 33 * 1024 * 1024 + b'"}]')
        with pytest.raises(ProviderUnreachableError, match="bytes"):
            fetch_snapshot(provider)
