"""One machine that sends slowly, too much, too often or nothing takes the desk away from nobody."""

import contextlib
import resource
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from testkit import process_memory
from tests.conftest import Customer, Desk, process_of, start_desk, stop_desk
from tests.raw_http import Client, post, raw
from tests.security import probes
from tests.security.probes import (
    API,
    IMPORT,
    PAGE,
    SLOW_FORMS,
    Target,
    assert_everything_answers,
    last_answer,
)
from tests.waiting import HANG_SECONDS
from tradepost.api import connection_limits as limits
from tradepost.api.request_bodies import BODY_BYTES_MAX

MEMORY_BYTES_MAX = 160 * 1024 * 1024  # the bodies and replies that a process holds at most, and some room

type Connect = Callable[..., Client]


@pytest.fixture
def connect(desk: Desk) -> Iterator[Connect]:
    """Open connections to the desk that are closed when the test ends."""
    with contextlib.ExitStack() as opened:
        yield lambda *args, **options: opened.enter_context(Client(desk.url, *args, **options))


@pytest.fixture
def target(desk: Desk) -> Target:
    """The desk itself, without a proxy."""
    return Target(desk.url)


@pytest.fixture
def form(target: Target) -> str:
    """The head of a form that the pages read."""
    return target.form()


def memory(desk: Desk) -> int:
    return sum(process_memory.resident_bytes(process_of(desk, name)) or 0 for name in ("server", "pages"))


@pytest.mark.parametrize("path", [API, PAGE, "/nowhere"])
def test_forms_that_do_not_end_hold_no_page(target: Target, alice: Customer, path: str) -> None:
    with contextlib.ExitStack() as opened:
        probes.begin_forms_that_do_not_end(target, opened, path)
        assert_everything_answers(target, alice)


@pytest.mark.parametrize("path", [API, PAGE])
@pytest.mark.parametrize("begin", probes.ENDLESS_HEADS)
def test_a_head_that_is_too_long_is_refused_and_not_held(desk: Desk, target: Target, path: str, begin: str) -> None:
    before = memory(desk)
    probes.assert_endless_head_is_cut_off(target, path, begin)
    assert memory(desk) - before < MEMORY_BYTES_MAX // 4


@pytest.mark.parametrize("path", [API, PAGE])
@pytest.mark.parametrize("kind", probes.TOO_LONG_HEADS)
def test_a_head_beyond_the_limit_gets_431(target: Target, path: str, kind: str) -> None:
    assert probes.refusal_of_too_long_head(target, path, kind) == 431


@pytest.mark.parametrize("path", [API, PAGE])
def test_a_head_within_the_limits_is_read(connect: Connect, path: str) -> None:
    lines = [f"X-{number}: {'y' * 500}" for number in range(limits.HEAD_LINES_MAX - 4)]
    client = connect()
    client.send(raw("GET", path, *lines))
    assert client.answer("GET").status == 200


@pytest.mark.parametrize("path", [API, PAGE, IMPORT])
def test_a_body_that_announces_too_much_is_refused_at_once(target: Target, path: str) -> None:
    probes.assert_announced_upload_is_refused(target, path)


@pytest.mark.parametrize("path", [API, PAGE, IMPORT])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_an_endless_upload_takes_neither_memory_nor_disk(
    desk: Desk, target: Target, path: str, *, is_chunked: bool
) -> None:
    before, files = memory(desk), set(Path(tempfile.gettempdir()).glob("*.upload*"))
    probes.assert_endless_upload_is_cut_off(target, path, is_chunked=is_chunked)
    assert memory(desk) - before < MEMORY_BYTES_MAX // 4
    assert set(Path(tempfile.gettempdir()).glob("*.upload*")) <= files


@pytest.mark.parametrize("model", ["service", "category", "customrate"])
def test_every_page_that_takes_files_takes_larger_bodies(target: Target, model: str) -> None:
    probes.assert_import_takes_larger_bodies(target, model)


@pytest.mark.parametrize("path", [API, PAGE])
def test_a_body_just_beyond_the_limit_gets_its_413_and_no_reset(
    target: Target, connect: Connect, form: str, path: str
) -> None:
    client = connect()
    size = BODY_BYTES_MAX + 1
    client.send(target.head("POST", path, form, f"Content-Length: {size}") + b"x" * size)
    assert client.answer().status == 413
    client = connect()
    client.send(
        target.head("POST", path, form, "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)
    )
    assert client.answer().status == 413


def test_many_large_bodies_at_once_take_no_more_memory_than_is_set_aside(
    desk: Desk, target: Target, alice: Customer, connect: Connect, form: str
) -> None:
    before = memory(desk)
    size = BODY_BYTES_MAX
    clients = []
    for _ in range(2 * limits.BODIES_BYTES_MAX // size):
        client = connect()
        with contextlib.suppress(ConnectionError):
            client.send(target.head("POST", PAGE, form, f"Content-Length: {size}") + b"x" * (size - 1))
            clients.append(client)
    first = last_answer(clients[0])
    assert first is None or first.status == 503
    assert memory(desk) - before < MEMORY_BYTES_MAX
    assert_everything_answers(target, alice)


def test_a_connection_that_asks_nothing_is_closed(target: Target) -> None:
    said = (b"", b"P", b"POST /api/v2 HTTP/1.1\r\nHost: a\r\n", b"GET /services/ HTTP/1.1\r\n")
    with contextlib.ExitStack() as opened:
        probes.assert_silent_connections_are_closed(target, opened, *said)


def test_a_head_that_comes_in_drops_is_closed(target: Target) -> None:
    probes.assert_drops_are_cut_off(target, b"POST /api/v2 HTTP/1.1\r\n", b"X-Drop: 1\r\n")


def test_a_body_that_comes_in_drops_is_closed(target: Target, form: str) -> None:
    probes.assert_drops_are_cut_off(target, target.head("POST", PAGE, form, "Content-Length: 1000000"), b"x")


def test_clients_that_do_not_read_hold_no_page(desk: Desk, target: Target, alice: Customer) -> None:
    address = urlsplit(desk.url)
    with contextlib.ExitStack() as opened:
        for _ in range(SLOW_FORMS):
            reader = opened.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            reader.connect((address.hostname, address.port))
            reader.settimeout(HANG_SECONDS)
            reader.sendall(b"GET /services/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
        assert_everything_answers(target, alice)


def test_thousands_of_silent_connections_leave_room_for_others(alice: Customer) -> None:
    """A process may usually open 1,024 files. The desk raises that as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    silent = min(3_000, hard - 500)
    assert silent > 1_500
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    desk = start_desk(TRADEPOST_SIMULATOR_SECONDS="2")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    address = urlsplit(desk.url)
    try:
        with contextlib.ExitStack() as opened:
            for number in range(silent):
                one = opened.enter_context(socket.create_connection((str(address.hostname), address.port)))
                one.sendall([b"", b"POST /api/v2 HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n"][number % 3])
            assert_everything_answers(Target(desk.url), alice)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert stop_desk(desk) == 0


def test_an_address_has_only_so_many_connections_and_others_have_theirs(alice: Customer) -> None:
    desk = start_desk(TRADEPOST_SIMULATOR_SECONDS="2", TRADEPOST_PROXIES="127.0.0.1")
    address = urlsplit(desk.url)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with contextlib.ExitStack() as opened:
            for _ in range(limits.CONNECTIONS_AN_ADDRESS_MAX):
                one = opened.enter_context(socket.socket())
                one.bind(("127.0.0.77", 0))
                one.connect((address.hostname, address.port))
                one.sendall(post(alice.key)[:-1])
            too_many = Client(desk.url, source="127.0.0.77")
            with too_many:
                refused = last_answer(too_many)
            assert refused is None or refused.status == 503
            assert_everything_answers(Target(desk.url), alice)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert stop_desk(desk) == 0


@pytest.mark.parametrize("is_page", [True, False])
def test_a_page_is_never_made_by_the_server_of_the_api(desk: Desk, alice: Customer, *, is_page: bool) -> None:
    """So a connection that has used the API is passed on, too, when it asks for a page."""
    with Client(desk.url) as client:
        client.send(post(alice.key))
        assert client.answer().status == 200
        client.send(raw("GET", PAGE if is_page else "/healthz/live"))
        assert client.answer("GET").status == 200
        peer = client.socket.getsockname()[1]
        assert (_holder_of(desk, peer) == "pages") is is_page


def _holder_of(desk: Desk, client_port: int) -> str:
    """Return the process that has the server's end of a client's connection open."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inode = next(line[9] for line in lines if int(line[2].rpartition(":")[2], 16) == client_port)
    for name in ("server", "pages"):
        files = Path(f"/proc/{process_of(desk, name)}/fd").iterdir()
        for file in files:
            with contextlib.suppress(OSError):
                if file.readlink().name == f"socket:[{inode}]":
                    return name
    return ""


def test_health_is_told_to_every_host_name(connect: Connect) -> None:
    for path in ("/healthz", "/healthz/live", "/healthz/ready"):
        client = connect()
        client.send(f"GET {path} HTTP/1.1\r\nHost: 10.1.2.3:80\r\n\r\n".encode())
        answer = client.answer("GET")
        assert (answer.status, answer.body) == (200, b"ok")
        assert answer.headers["cache-control"] == "no-store"
