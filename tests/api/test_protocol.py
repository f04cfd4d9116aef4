"""The API over raw sockets: what is answered in place and what by ASGI can't be told apart, whatever a client does."""

import asyncio
import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

import psycopg
import pytest
import uvicorn

from tests.api.api_calls import LINK, call
from tests.conftest import Customer, Desk, process_of, start_desk, stop_desk
from tests.raw_http import Client, chunked, post, raw
from tests.waiting import HANG_SECONDS, until, until_blocked_by
from tradepost.api.connection_limits import Connections
from tradepost.api.head_cache import HeadCache
from tradepost.api.protocol import Protocol
from tradepost.api.v2 import Api
from tradepost.orders.models import Order

KEPT_SECONDS = 2  # connections on which nothing is said
BY_ASGI = b"by ASGI"


@pytest.fixture
def client(desk: Desk) -> Iterator[Client]:
    """A connection to the desk."""
    with Client(desk.url) as client:
        yield client


def test_a_connection_serves_one_request_after_the_other(client: Client, alice: Customer, bob: Customer) -> None:
    for customer in (alice, bob, alice):
        client.send(post(customer.key))
        answer = client.answer()
        assert json.loads(answer.body) == {"balance": "100.00", "currency": "USD"}
        assert "connection" not in answer.headers


@pytest.mark.parametrize("paths", ["in place", "mixed"])
def test_requests_sent_at_once_are_answered_in_their_order(
    client: Client, alice: Customer, service: int, paths: str
) -> None:
    others = [post, chunked] if paths == "mixed" else [post]
    sent = b""
    for number in range(20):
        sent += others[number % len(others)](alice.key, "add", service=service, link=f"{LINK}{number}", quantity=10)
    client.send(sent)
    orders = [json.loads(client.answer().body)["order"] for _ in range(20)]
    links = dict(Order.objects.filter(id__in=orders).values_list("id", "link"))
    assert [links[order] for order in orders] == [f"{LINK}{number}" for number in range(20)]


def test_five_thousand_requests_may_be_sent_at_once(client: Client) -> None:
    smallest = b"POST /api/v2 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    threading.Thread(target=client.send, args=[smallest * 5_000], daemon=True).start()
    for _ in range(5_000):
        assert client.answer().status == 200


def test_a_request_may_come_byte_by_byte(client: Client, alice: Customer) -> None:
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in post(alice.key) + post(alice.key):
        client.send(bytes([byte]))
    assert [client.answer().status, client.answer().status] == [200, 200]


PAGE = raw("GET", "/account/login/")


@pytest.mark.parametrize("begins_with_page", [True, False])
def test_a_connection_may_ask_for_pages_and_the_api(client: Client, alice: Customer, *, begins_with_page: bool) -> None:
    asked = [PAGE, post(alice.key), PAGE, post(alice.key)][0 if begins_with_page else 1 :]
    for request in asked:
        client.send(request)
        answer = client.answer("GET" if request is PAGE else "POST")
        assert answer.status == 200
        assert (b"</html>" in answer.body) == (request is PAGE)


def test_pages_may_be_asked_for_all_at_once(client: Client) -> None:
    client.send(PAGE * 5)
    assert all(b"</html>" in client.answer("GET").body for _ in range(5))


@pytest.mark.parametrize("cut", [1, 4, 5, 12, 40])
def test_a_page_may_be_asked_for_in_parts(client: Client, cut: int) -> None:
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.send(PAGE[:cut])
    client.send(PAGE[cut:])
    assert b"</html>" in client.answer("GET").body


def test_a_form_may_be_too_large_to_be_handed_over(client: Client) -> None:
    threading.Thread(target=client.send, args=[raw("POST", "/account/login/", body="x" * 1_000_000)]).start()
    assert client.answer().status == 403  # it lacks the token of a form


@pytest.fixture
def pages(desk: Desk) -> int:
    """The process that makes the pages."""
    return process_of(desk, "pages")


def test_the_api_answers_while_pages_are_held_up(desk: Desk, client: Client, alice: Customer, pages: int) -> None:
    os.kill(pages, signal.SIGSTOP)
    try:
        client.send(PAGE)
        with Client(desk.url) as another:
            for _ in range(10):
                another.send(post(alice.key))
                assert another.answer().status == 200
    finally:
        os.kill(pages, signal.SIGCONT)
    assert client.answer("GET").status == 200


def test_pages_wait_for_their_process_to_be_started_again(desk: Desk, client: Client, pages: int) -> None:
    os.kill(pages, signal.SIGSTOP)
    client.send(PAGE)
    os.kill(pages, signal.SIGKILL)
    assert client.answer("GET").status == 200
    with Client(desk.url) as another:
        another.send(PAGE)
        assert another.answer("GET").status == 200


def test_both_ways_give_the_same_heads(client: Client, alice: Customer) -> None:
    heads = []
    for request in (post(alice.key), chunked(alice.key), post("nobody"), chunked("nobody")):
        client.send(request)
        heads.append(client.answer().headers)
    limits = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
    told = ["date", "content-type", *limits, "x-content-type-options", "cache-control", "content-length"]
    assert [list(head) for head in heads] == [told] * 4
    assert [head["content-type"] for head in heads] == ["application/json"] * 4


@pytest.mark.parametrize("request_of", [post, chunked])
def test_who_wants_to_close_is_closed(client: Client, alice: Customer, request_of: Callable[..., bytes]) -> None:
    client.send(request_of(alice.key).replace(b"Host: localhost", b"Host: localhost\r\nConnection: close"))
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert client.is_over()


def test_http_1_0_is_answered_and_closed(client: Client, alice: Customer) -> None:
    client.send(raw("POST", "/api/v2", body=f"key={alice.key}&action=balance", version="1.0"))
    assert json.loads(client.answer().body)["balance"] == "100.00"
    assert client.is_over()


def test_who_asks_whether_to_go_on_is_told_to(client: Client, alice: Customer) -> None:
    body = f"key={alice.key}&action=balance".encode()
    client.send(raw("POST", "/api/v2", "Expect: 100-continue", f"Content-Length: {len(body)}")[:-2].replace(
        b"Content-Length: 0\r\n", b"") + b"\r\n")  # fmt: skip
    assert client.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert client.readline() == b"\r\n"
    client.send(body)
    assert json.loads(client.answer().body)["balance"] == "100.00"


def test_a_get_is_answered_and_a_head_without_body(client: Client, alice: Customer) -> None:
    client.send(raw("GET", f"/api/v2?key={alice.key}&action=balance"))
    assert json.loads(client.answer("GET").body)["balance"] == "100.00"
    client.send(raw("HEAD", f"/api/v2?key={alice.key}&action=balance") + post(alice.key))
    assert client.answer("HEAD").body == b""
    assert json.loads(client.answer().body)["balance"] == "100.00"


def test_what_is_no_http_is_refused_and_closed(client: Client, alice: Customer) -> None:
    client.send(post(alice.key))
    assert client.answer().status == 200
    client.send(b"nonsense\r\n\r\n")
    assert client.answer().status == 400
    assert client.is_over()


def test_a_client_that_does_not_read_holds_up_nobody_and_loses_nothing(
    client: Client, desk: Desk, alice: Customer, bob: Customer, make_service: Callable[..., int]
) -> None:
    make_service(description="long " * 200_000)
    count = 20
    client.send(post(alice.key, "services") * count)
    assert call(desk, bob, "balance")["balance"] == "100.00"
    bodies = {client.answer().body for _ in range(count)}
    assert len(bodies) == 1
    assert len(bodies.pop()) > 1_000_000


def test_a_client_that_leaves_takes_only_its_answer_along(
    desk: Desk, alice: Customer, service: int, connection: psycopg.Connection
) -> None:
    connection.execute("SELECT FROM ledger_account WHERE account_id = %s FOR UPDATE", [alice.id])
    with Client(desk.url) as leaver:
        leaver.send(post(alice.key, "add", service=service, link=LINK, quantity=10) * 2)
        until_blocked_by(connection)
    connection.rollback()
    call(desk, alice, "add", service=service, link=LINK, quantity=10)
    assert Order.objects.filter(account=alice.id).count() in {2, 3}  # its second request may not have begun


def test_a_request_in_flight_is_answered_before_the_end(alice: Customer, service: int, connect: Any) -> None:
    holder = connect()
    holder.execute("SELECT FROM ledger_account WHERE account_id = %s FOR UPDATE", [alice.id])
    desk = start_desk()
    with Client(desk.url) as client:
        client.send(post(alice.key, "add", service=service, link=LINK, quantity=10))
        until_blocked_by(holder)
        desk.process.send_signal(signal.SIGTERM)
        holder.rollback()
        assert "order" in json.loads(client.answer().body)
        assert client.is_over()
    assert stop_desk(desk) == 0


@pytest.mark.parametrize("target", ["/api/v2", "/", "/account/login/"])
@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("hosts", ["", "Host: localhost\r\nHost: localhost\r\n"])
def test_a_request_that_does_not_name_its_one_host_is_a_bad_one(
    client: Client, target: str, method: str, hosts: str
) -> None:
    client.send(raw(method, target).replace(b"Host: localhost\r\n", hosts.encode()))
    assert client.answer(method).status == 400


def test_before_http_1_1_a_request_needs_no_host(client: Client) -> None:
    client.send(raw("POST", "/api/v2", body="key=x", version="1.0").replace(b"Host: localhost\r\n", b""))
    assert client.answer().status == 200


@pytest.mark.parametrize("request_of", [post, chunked])
def test_a_key_bound_to_a_network_is_good_behind_a_proxy_on_this_machine(
    client: Client, make_customer: Callable[..., Customer], request_of: Callable[..., bytes]
) -> None:
    customer = make_customer(networks=["203.0.113.0/24"])
    told = {
        "": "Invalid API key",
        "X-Forwarded-For: 203.0.113.9\r\n": None,
        "X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n": "Invalid API key",  # the last one that is no proxy of ours
        "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 203.0.113.9\r\n": None,
        "X-Forwarded-For: \r\n": "Invalid API key",
    }
    for header, error in told.items():
        client.send(request_of(customer.key).replace(b"Host:", header.encode() + b"Host:"))
        assert json.loads(client.answer().body).get("error") == error, header


def test_who_says_nothing_for_long_is_closed_and_who_goes_on_is_not(two_ways: str) -> None:
    def outlived() -> list[bool]:
        was_served, pause_seconds = _outlive(two_ways)
        return [was_served] if pause_seconds < KEPT_SECONDS / 2 else []  # else nobody went on: the machine stood still

    assert until(outlived, "a connection goes on without a pause") == [True]


def _outlive(url: str) -> tuple[bool, float]:
    """Go on with one connection until an idle one is closed; tell whether it was served to the end, and its pauses."""
    longest, last = 0.0, time.monotonic()
    with Client(url) as idle, Client(url) as busy:
        idle.send(post("nobody"))
        assert idle.answer().status == 200
        idle.socket.settimeout(0.1)
        is_over = False
        while not is_over:
            is_over = _is_closed(idle)
            busy.send(chunked("nobody") if is_over else post("nobody"))
            was_served = _is_served(busy)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            if not was_served:
                return False, longest
    return True, longest


def _is_served(client: Client) -> bool:
    try:
        return client.answer().status == 200
    except (OSError, http.client.HTTPException):
        return False


def _is_closed(client: Client) -> bool:
    try:
        return client.socket.recv(1) == b""
    except TimeoutError:
        return False


async def _asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Say that a request came this way."""
    while scope["type"] == "http" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"7")]})
    await send({"type": "http.response.body", "body": BY_ASGI})


@pytest.fixture(scope="module")
def two_ways() -> Iterator[str]:
    """A server whose API answers in place, and behind it an application that only says that it was asked."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    api = Api(f"dbname={database['NAME']} host={database['HOST']} user={database['USER']}", "USD", requests_a_minute=0)
    config = uvicorn.Config(
        cast("Any", _asgi),
        http=cast("Any", partial(Protocol, api=api, heads=HeadCache(), connections=Connections())),
        lifespan="off",
        access_log=False,
        timeout_keep_alive=KEPT_SECONDS,
    )
    server = uvicorn.Server(config)
    started = threading.Event()

    async def serve(listener: socket.socket) -> None:
        api.start()
        started.set()
        await server.serve(sockets=[listener])
        api.stop()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(serve(listener)))
        thread.start()
        assert started.wait(HANG_SECONDS)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(HANG_SECONDS)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("request_bytes", "is_in_place"),
    [
        (post("nobody"), True),
        (post("nobody").replace(b"/api/v2", b"/api/v2/"), True),
        (post("nobody", "balance", "Connection: close"), True),
        (post("nobody", "balance", f"X-Filler: {'x' * 10_000}"), True),
        (raw("POST", "/api/v2", body="key=".ljust(65_536, "x")), True),
        (raw("POST", "/api/v2", body="key=".ljust(65_537, "x")), False),
        (raw("POST", "/api/v2", "Content-Type: application/json", body='{"key": "nobody"}'), True),
        (raw("POST", "/api/v2"), True),
        (raw("POST", "/api/v2?action=balance"), False),
        (raw("POST", "/api/v2/openapi.json"), False),
        (raw("POST", "/api/%762"), False),
        (raw("POST", "/"), False),
        (raw("GET", "/api/v2"), False),
        (raw("PUT", "/api/v2"), False),
        (raw("POST", "/api/v2", version="1.0"), False),
        (raw("POST", "/api/v2", "Connection: Upgrade", "Upgrade: websocket"), False),
        (chunked("nobody"), False),
    ],
)
def test_what_is_plain_and_small_is_answered_in_place(
    two_ways: str, request_bytes: bytes, *, is_in_place: bool
) -> None:
    with Client(two_ways) as client:
        client.send(request_bytes)
        answer = client.answer()
    assert answer.body == (b'{"error":"Invalid API key"}' if is_in_place else BY_ASGI)
