"""Orders by the API while one machine sends what never ends: forms, heads, an upload, and connections that say nothing.

Beside them pages are loaded, one after the other. The attackers are a process of their own.
"""

import contextlib
import multiprocessing
import resource
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

import httpx2
import typer

from bench import desks, rounds
from bench.desks import CUSTOMERS, Desk
from bench.loads import Loads
from bench.run_results import Run
from bench.workload import Goal, Part, Workload
from bench.workloads import api_actions
from testkit import process_memory
from testkit.errors import RunFailedError

SLOW_BODIES = 200
SILENT_MAX = 5_000
OTHER_FILES = 500
PART_BYTES = 2**20
HEAD_BYTES = 120 * 2**20
UPLOAD_BYTES = 5 * 2**30
AGAIN_SECONDS = 1
PAGE_SECONDS_MAX = 2
GROWTH_BYTES_MAX = 256 * 2**20  # of the server's process
API_RATIO_MIN = 0.8
PAGES = ("/", "/account/login/", "/services/", "/healthz")
QUIET, BESIEGED = "nobody else", "under siege"


def measure(*, rounds_count: int, seconds: int, keep: bool) -> None:
    """Take the rounds on a fresh desk and print the tables. Raises `RunFailedError` if a limit is passed."""
    typer.echo("Starting a fresh desk...", err=True)
    with desks.fresh() as desk:
        loads, pages = Loads(), _Pages(desk)
        before, free = _memory(desk), shutil.disk_usage(tempfile.gettempdir()).free

        def run(part: Part, length: int) -> Run:
            if part.kind == QUIET:
                return loads.run(desk, part, length)
            with _siege(desk), pages.loaded():
                return loads.run(desk, part, length)

        measured = rounds.take((_WORKLOAD,), run, rounds=rounds_count, seconds=seconds)
        growth = _memory(desk) - before
        written = free - shutil.disk_usage(tempfile.gettempdir()).free
        peak = process_memory.peak_bytes(desk.server)
        books = desks.check(desk)
    rounds.print_tables(measured, books, seconds=seconds, peak_bytes=peak, keep=keep)
    typer.echo(
        f"Under siege: the slowest of {len(pages.seconds)} pages took {max(pages.seconds):.2f} s; the server's process "
        f"grew by {growth / 2**20:.0f} MiB, what is on the disk by {written / 2**20:.0f} MiB (orders included)."
    )
    if max(pages.seconds) > PAGE_SECONDS_MAX or growth > GROWTH_BYTES_MAX:
        raise RunFailedError(f"a page took over {PAGE_SECONDS_MAX} s, or memory grew by over {GROWTH_BYTES_MAX} bytes")


_SCRIPT = api_actions.script("add")
_ARGUMENTS = (str(CUSTOMERS), "1", "SERVICE", "FIRST")
_WORKLOAD = Workload(
    "siege",
    "orders",
    tuple(Part(kind, kind, 64, _SCRIPT, _ARGUMENTS, is_ordering=True) for kind in (QUIET, BESIEGED)),
    (Goal(BESIEGED, QUIET, API_RATIO_MIN),),
)


class _Pages:
    """Loads pages while orders are measured, and notes how long each took."""

    def __init__(self, desk: Desk) -> None:
        self._url = desk.api_url.removesuffix("/api/v2")
        self.seconds: list[float] = []

    @contextlib.contextmanager
    def loaded(self) -> Iterator[None]:
        """Load pages, one after the other with a pause, for as long as the context lasts."""
        ends = threading.Event()
        thread = threading.Thread(target=self._load, args=[ends])
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()

    def _load(self, ends: threading.Event) -> None:
        while not ends.is_set():
            for path in PAGES:
                began = time.monotonic()
                with contextlib.suppress(httpx2.TransportError):
                    httpx2.get(f"{self._url}{path}", timeout=10 * PAGE_SECONDS_MAX).raise_for_status()
                self.seconds.append(time.monotonic() - began)
            ends.wait(AGAIN_SECONDS / 4)


@contextlib.contextmanager
def _siege(desk: Desk) -> Iterator[None]:
    """Attack the desk for as long as the context lasts."""
    parts = urlsplit(desk.api_url)
    context = multiprocessing.get_context("spawn")
    begun, ends = context.Event(), context.Event()
    attackers = context.Process(target=_attack, args=[str(parts.hostname), parts.port, begun, ends])
    attackers.start()
    try:
        begun.wait()
        yield
    finally:
        ends.set()
        attackers.join()


def _attack(host: str, port: int, begun: Event, ends: Event) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    endless = (
        (b"POST /account/login/ HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % UPLOAD_BYTES, UPLOAD_BYTES),
        (b"POST /api/v2 HTTP/1.1\r\nHost: a\r\nX-Long: ", HEAD_BYTES),
    )
    threads = [threading.Thread(target=_send_much, args=[host, port, *each, ends]) for each in endless]
    for thread in threads:
        thread.start()
    form = b"POST /account/login/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nlogin=xx"
    open_ones: list[socket.socket] = []
    while not ends.is_set():
        while len(open_ones) < min(SILENT_MAX, hard - OTHER_FILES) + SLOW_BODIES:
            with contextlib.suppress(OSError):
                one = socket.create_connection((host, port))
                if len(open_ones) < SLOW_BODIES:
                    one.sendall(form)
                one.setblocking(False)
                open_ones.append(one)
        begun.set()
        open_ones = [one for one in open_ones if _is_open(one)]
        ends.wait(AGAIN_SECONDS)
    for thread in threads:
        thread.join()


def _is_open(one: socket.socket) -> bool:
    try:
        if one.recv(1_024, socket.MSG_PEEK):
            return True  # a refusal: the server closes it in a moment
    except BlockingIOError:
        return True
    except OSError:
        pass
    one.close()
    return False


def _send_much(host: str, port: int, head: bytes, size: int, ends: Event) -> None:
    part = b"x" * PART_BYTES
    while not ends.is_set():
        with contextlib.suppress(OSError), socket.create_connection((host, port)) as one:
            one.sendall(head)
            for _ in range(size // PART_BYTES):
                one.sendall(part)
        ends.wait(AGAIN_SECONDS)


def _memory(desk: Desk) -> int:
    return process_memory.resident_bytes(desk.server) or 0
