"""Only the proxies that the operator names are believed about a client's address, by the API and by the pages alike."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import urlencode, urlsplit

import pytest

from tests import asking
from tests.conftest import Customer, Desk, start_desk, stop_desk
from tests.security.people import WRONG, logged, person
from tests.security.raw_pages import RawBrowser
from tradepost.accounts.models import SignInKind
from tradepost.config import environment

BOUND = {"networks": ["203.0.113.0/24"]}
FORWARDED = {"X-Forwarded-For": "203.0.113.9"}


def balances(url: str, key: str, headers: dict[str, str]) -> list[object]:
    """Ask for the balance by the way that answers in place, and by ASGI; return both errors."""
    by_post = asking.post(url, data={"key": key, "action": "balance"}, headers=headers)
    by_get = asking.get(f"{url}?{urlencode({'key': key, 'action': 'balance'})}", headers=headers)
    return [json.loads(answer.content).get("error") for answer in (by_post, by_get)]


@pytest.mark.parametrize(
    ("proxies", "is_believed"),
    [("127.0.0.1", True), ("10.0.0.0/8, 127.0.0.0/8", True), ("10.0.0.0/8", False), ("none", False), ("", True)],
)
def test_the_word_of_a_proxy_counts_if_it_is_named(
    make_customer: Callable[..., Customer], proxies: str, *, is_believed: bool
) -> None:
    key = make_customer(**BOUND).key
    running = start_desk(TRADEPOST_PROXIES=proxies)
    found = balances(running.api_url, key, FORWARDED)
    metrics = asking.get(f"{running.url}/metrics").status_code
    assert stop_desk(running) == 0
    assert found == [None if is_believed else "Invalid API key"] * 2
    assert metrics == 200


def test_an_address_that_a_client_puts_before_the_proxys_does_not_count(
    make_customer: Callable[..., Customer],
) -> None:
    key = make_customer(**BOUND).key
    running = start_desk(TRADEPOST_PROXIES="127.0.0.1,192.0.2.0/24")
    spoofed = balances(running.api_url, key, {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"})
    through_two = balances(running.api_url, key, {"X-Forwarded-For": "198.51.100.1, 203.0.113.9, 192.0.2.7"})
    assert stop_desk(running) == 0
    assert spoofed == ["Invalid API key"] * 2
    assert through_two == [None] * 2


@pytest.mark.parametrize("given", ["*", "0.0.0.0/0", "::/0", "10.0.0.0/8,*"])
def test_everybody_is_no_proxy(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("TRADEPOST_PROXIES", given)
    with pytest.raises(environment.ConfigurationError, match="can't be everybody"):
        environment.proxies()


@pytest.mark.parametrize("given", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8,", "127.0.0.1 10.0.0.1"])
def test_what_is_no_network_is_said(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("TRADEPOST_PROXIES", given)
    with pytest.raises(environment.ConfigurationError, match="must be addresses or networks"):
        environment.proxies()


def test_ipv4_networks_written_as_ipv6_are_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRADEPOST_PROXIES", "TRADEPOST_ADMIN_NETWORKS"):
        monkeypatch.setenv(name, "::ffff:10.1.0.0/112, ::ffff:10.2.0.1, 2001:db8::7")
    assert environment.proxies() == ["10.1.0.0/16", "10.2.0.1/32", "2001:db8::7/128"]
    assert [str(network) for network in environment.admin_networks()] == environment.proxies()


@pytest.fixture(scope="module")
def dual_desk() -> Iterator[Desk]:
    """A desk that listens on `::`, asked over IPv4. It sees IPv4 addresses as IPv6 ones, `::ffff:127.0.0.1`."""
    running = start_desk("--host", "::", TRADEPOST_PROXIES="127.0.0.1", TRADEPOST_ADMIN_NETWORKS="203.0.113.0/24")
    url = f"http://127.0.0.1:{urlsplit(running.url).port}"
    yield running._replace(url=url, api_url=f"{url}/api/v2")
    assert stop_desk(running) == 0


@pytest.mark.parametrize(
    ("network", "forwarded_for", "may"),
    [
        ("127.0.0.0/8", "", True),
        ("203.0.113.0/24", "203.0.113.9", True),
        ("203.0.113.0/24", "::ffff:203.0.113.9", True),
        ("203.0.113.0/24", "[::ffff:203.0.113.9]:4444", True),
        ("203.0.113.0/24", "203.0.113.9, ::ffff:127.0.0.1", True),
        ("203.0.113.0/24", "203.0.113.9, ::ffff:198.51.100.1", False),
        ("203.0.113.0/24", "::ffff:nonsense", False),
    ],
)
def test_a_key_of_an_ipv4_network_holds_at_a_desk_that_listens_on_ipv6(
    dual_desk: Desk, make_customer: Callable[..., Customer], network: str, forwarded_for: str, *, may: bool
) -> None:
    headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
    found = balances(dual_desk.api_url, make_customer(networks=[network]).key, headers)
    assert found == [None if may else "Invalid API key"] * 2


@pytest.mark.parametrize("address", ["203.0.113.9", "::ffff:203.0.113.9"])
def test_pages_of_a_desk_that_listens_on_ipv6_know_clients_by_ipv4(dual_desk: Desk, address: str) -> None:
    account = person()
    assert RawBrowser(dual_desk, address).sign_in(account.email, WRONG).status == 200
    [event] = logged(kind=SignInKind.FAILED, account=account)
    assert event.address == "203.0.113.9"
    headers = {"X-Forwarded-For": address}
    assert asking.get(f"{dual_desk.url}/admin/login/", headers=headers).status_code != 404
    assert asking.get(f"{dual_desk.url}/admin/login/").status_code == 404
