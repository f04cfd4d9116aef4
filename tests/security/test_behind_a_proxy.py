"""A desk behind nginx and Caddy, as docs/behind-a-proxy.md sets them up, attacked as a desk without a proxy is."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from django.conf import global_settings
from django.test.utils import override_settings

from tests.conftest import Customer, Desk, process_of, start_desk, stop_desk
from tests.raw_http import post
from tests.security import probes, proxies
from tests.security.conftest import HOST, PUBLIC_URL, free_port
from tests.security.people import PASSWORD, WRONG, logged, person
from tests.security.probes import API, IMPORT, PAGE
from tests.security.proxies import Proxy
from tests.security.raw_pages import RawBrowser

KEPT_REQUESTS = 20
_clients = count(20)


@pytest.fixture(scope="module")
def public() -> Iterator[Desk]:
    """A desk that only believes the proxy at 127.0.0.1; clients have other addresses of this machine."""
    port = free_port()
    running = start_desk("--port", str(port), TRADEPOST_URL=PUBLIC_URL, TRADEPOST_PROXIES="127.0.0.1")
    yield running._replace(url=f"http://127.0.0.1:{port}", api_url=f"http://127.0.0.1:{port}{API}")
    assert stop_desk(running) == 0


@pytest.fixture(scope="module", params=proxies.NAMES)
def proxy(request: pytest.FixtureRequest, public: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy in front of the desk."""
    port = int(public.url.rpartition(":")[2])
    with proxies.running(request.param, tmp_path_factory.mktemp(request.param), port) as running:
        yield running


@pytest.fixture
def client_address() -> str:
    """An address of this machine that no other test has."""
    return f"127.0.0.{next(_clients)}"


# What the proxy passes on


def test_everything_answers_over_https(proxy: Proxy, alice: Customer) -> None:
    probes.assert_everything_answers(proxy.https, alice)
    answer = proxy.https.ask(PAGE)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.cookies
    assert all(name.startswith("__Host-") for name in answer.cookies)
    assert f"{PUBLIC_URL}{API}".encode() in proxy.https.ask("/api/").body


def test_plain_http_leads_to_https_and_takes_no_key(proxy: Proxy, alice: Customer) -> None:
    answer = proxy.http.ask("/services/?q=a")
    assert (answer.status, answer.headers["location"]) == (308, f"{PUBLIC_URL}/services/?q=a")
    assert proxy.http.call(alice.key).status == 403
    assert proxy.http.ask(API).status == 403


@pytest.mark.parametrize("host", ["evil.example", f"{HOST}.evil.example", "127.0.0.1", "localhost"])
def test_other_names_lead_to_no_desk(proxy: Proxy, host: str) -> None:
    for target in (proxy.https, proxy.http):
        with target.connect() as client:
            client.send(target._replace(host=host).head("GET", PAGE))
            answer = probes.last_answer(client)
        assert answer is None or not answer.body


def test_metrics_are_for_nobody_and_health_is_for_all(proxy: Proxy) -> None:
    assert proxy.https.ask("/metrics").status == 404
    assert [proxy.https.ask(f"/healthz{path}").body for path in ("", "/live", "/ready")] == [b"ok"] * 3


def test_pages_and_api_have_connections_of_their_own_to_the_desk(proxy: Proxy, public: Desk, alice: Customer) -> None:
    """While the pages' process stands still, the API goes on, however the client has mixed them before."""
    with proxy.https.connect() as client:
        for _ in range(KEPT_REQUESTS):
            client.send(proxy.https.head("GET", "/services/"))
            assert client.answer("GET").status == 200
            client.send(post(alice.key, host=HOST))
            assert client.answer().status == 200
        pages = process_of(public, "pages")
        os.kill(pages, signal.SIGSTOP)
        try:
            for _ in range(KEPT_REQUESTS):
                client.send(post(alice.key, host=HOST))
                assert client.answer().status == 200
        finally:
            os.kill(pages, signal.SIGCONT)


# Who the client is


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "x-forwarded-for", "X-Real-IP", "Forwarded: for", "CF-Connecting-IP"]
)
def test_a_client_gives_itself_no_other_address(
    proxy: Proxy, make_customer: Callable[..., Customer], client_address: str, header: str
) -> None:
    key = make_customer(networks=[client_address]).key
    spoofed = f"{header}{'=' if ' ' in header else ': '}{client_address}"
    assert b"balance" in proxy.https._replace(source=client_address).call(key).body
    for source in ("127.0.0.2", "127.0.0.1"):
        other = proxy.https._replace(source=source)
        for headers in ([spoofed], [spoofed, spoofed], [f"{spoofed}, 127.0.0.1"]):
            assert b"Invalid API key" in other.call(key, "balance", *headers).body


def test_sign_in_is_logged_and_limited_by_the_true_address(proxy: Proxy, client_address: str) -> None:
    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):  # the desk's
        account = person()
    guesser = proxy.https._replace(source=client_address)
    for number in range(6):
        password = WRONG if number < 5 else PASSWORD
        assert RawBrowser(guesser, f"198.51.100.{number}").sign_in(str(account), password).status == 200
    owner = RawBrowser(proxy.https._replace(source="127.0.0.9"), client_address)
    assert owner.sign_in(str(account), PASSWORD).status == 302
    found = {(event.kind, event.address) for event in logged(account=account)}
    assert {("failed", client_address), ("throttled", client_address), ("signed in", "127.0.0.9")} == found


# Attacks


def test_what_never_ends_holds_no_page_and_is_ended(proxy: Proxy, alice: Customer) -> None:
    target = proxy.https
    said = (b"", b"P", f"POST {API} HTTP/1.1\r\nHost: {HOST}\r\n".encode(), b"GET /services/ HTTP/1.1\r\n")
    drops = [
        (target.head("POST", PAGE, target.form(), "Content-Length: 1000000"), b"x"),
        (f"POST {API} HTTP/1.1\r\nHost: {HOST}\r\n".encode(), b"X-Drop: 1\r\n"),
    ]
    ended: list[bool] = []

    def drip(begin: bytes, drop: bytes) -> None:
        probes.assert_drops_are_cut_off(target, begin, drop)
        ended.append(True)

    slow = [threading.Thread(target=drip, args=each) for each in drops]
    with contextlib.ExitStack() as opened:
        for thread in slow:
            thread.start()
        for path in (API, PAGE):
            probes.begin_forms_that_do_not_end(target, opened, path)
        probes.assert_everything_answers(target, alice)
        probes.assert_silent_connections_are_closed(target, opened, *said)
        for thread in slow:
            thread.join()
    assert ended == [True, True]


@pytest.mark.parametrize("path", [API, PAGE])
def test_a_head_that_is_too_long_is_refused(proxy: Proxy, path: str) -> None:
    for begin in probes.ENDLESS_HEADS:
        probes.assert_endless_head_is_cut_off(proxy.https, path, begin)
    for kind in probes.TOO_LONG_HEADS:
        assert probes.refusal_of_too_long_head(proxy.https, path, kind) in {400, 431}


@pytest.mark.parametrize("path", [API, PAGE, IMPORT])
def test_a_body_that_is_too_large_is_refused(proxy: Proxy, path: str) -> None:
    probes.assert_announced_upload_is_refused(proxy.https, path)
    for is_chunked in (True, False):
        probes.assert_endless_upload_is_cut_off(proxy.https, path, is_chunked=is_chunked)
    files = [file for file in proxy.folder.rglob("*") if file.is_file() and file.stat().st_size > probes.PART_BYTES]
    assert files == []


def test_files_for_the_back_office_may_be_larger(proxy: Proxy) -> None:
    probes.assert_import_takes_larger_bodies(proxy.https, "service")


def test_nobody_gets_the_answer_to_a_smuggled_request(proxy: Proxy, make_customer: Callable[..., Customer]) -> None:
    victims = {f"{number}.00": make_customer(str(number)) for number in (11, 12)}
    for kind in probes.SMUGGLED:
        probes.answers_to_smuggler(proxy.https, kind)
        for balance, victim in victims.items():
            assert f'"balance":"{balance}"'.encode() in proxy.https.call(victim.key).body, kind


# Logs


@pytest.mark.parametrize("name", proxies.NAMES)
def test_no_key_gets_into_a_log_of_the_proxy(name: str, tmp_path: Path) -> None:
    """The desk is away, so that errors are logged, too."""
    key = "tp_live_of-the-tests"
    with proxies.running(name, tmp_path, free_port()) as proxy:
        query = f"{API}?action=balance&key={key}"
        assert proxy.https.ask(query, f"Authorization: Bearer {key}", f"Referer: {PUBLIC_URL}{query}").status == 502
        assert proxy.https.ask(query, f"Content-Length: {probes.UPLOAD_BYTES}", method="POST").status in {413, 502}
        assert proxy.http.ask(query).status == 403
    assert API in proxy.logged()
    assert key not in proxy.logged()
