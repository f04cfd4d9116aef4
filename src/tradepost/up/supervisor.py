"""The supervisor of `tradepost up`: it starts the processes, restarts those that die, and stops them all.

1. Bind the port, lock the home folder, and start the embedded database (or use `DATABASE_URL`).
2. Migrate, and seed the demo if the operator wants one.
3. Run the servers, which share the listening socket; the pages' process, to which they hand connections over; and the
   worker, until SIGTERM or SIGINT.
4. Stop the servers (they finish the requests in flight), the pages and the worker, then the database.

Where forking is safe, each child is a fork of the supervisor, which has imported everything that the children run: so a
start imports Django once, not three times (decision 31). If the supervisor dies in any way, its children stop by
themselves, so that no process keeps the port.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tradepost.config import environment
from tradepost.up import connection_handover, postgres
from tradepost.up.errors import StartError

STOP_SECONDS_MAX = 3.5
WORKER_STOP_SECONDS_MAX = 45  # only while it waits for a provider's answer
QUICK_DEATH_SECONDS = 10
QUICK_DEATHS_MAX = 5
READY_SECONDS_MAX = 60
LOOK_SECONDS = 0.2

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


# On macOS the system's libraries do not survive a fork.
_processes = multiprocessing.get_context("fork") if sys.platform == "linux" else multiprocessing.get_context("spawn")


class Child:
    """A process of the desk. If it dies, the supervisor starts it again."""

    def __init__(
        self, name: str, work: Callable[..., None], *arguments: object, stop_seconds_max: float = STOP_SECONDS_MAX
    ) -> None:
        self.name = name
        self._work = work
        self._stop_seconds_max = stop_seconds_max
        self._arguments = arguments
        self._quick_deaths = 0
        self.start()

    def start(self) -> None:
        """Start the process. The terminal's Ctrl-C does not reach it: only the supervisor stops it."""
        self._started = time.monotonic()
        self._process = _processes.Process(target=_run_child, args=(self.name, self._work, *self._arguments))
        # Until the child has its own handlers, a signal to it would run the supervisor's handlers there and be lost.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def keep_alive(self) -> None:
        """Start the process again if it has died. Raises `StartError` if it keeps dying soon after its start."""
        if self._process.is_alive():
            return
        quick = time.monotonic() - self._started < QUICK_DEATH_SECONDS
        self._quick_deaths = self._quick_deaths + 1 if quick else 0
        if self._quick_deaths >= QUICK_DEATHS_MAX:
            raise StartError(f"The {self.name} process keeps dying; its last messages are above.")
        print(f"The {self.name} process died (status {self._process.exitcode}); starting it again.", file=sys.stderr)
        self.start()

    def stop(self) -> None:
        """Send SIGTERM to the process, without waiting for its end."""
        self._process.terminate()

    def join(self, since: float) -> None:
        """Wait for the process to end. Kill it if it needs too long; `since` is when it was asked to stop."""
        self._process.join(max(0.0, since + self._stop_seconds_max - time.monotonic()))
        if self._process.is_alive():
            print(f"The {self.name} process does not stop; killing it.", file=sys.stderr)
            self._process.kill()
            self._process.join()


def _run_child(name: str, work: Callable[..., None], *arguments: object) -> None:
    os.setsid()
    _close_inherited(*(argument.fileno() for argument in arguments if isinstance(argument, socket.socket)))
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    with contextlib.suppress(OSError):  # the name that `ps` and `top` show, on systems with /proc
        Path("/proc/self/comm").write_text(f"tradepost {name}")
    threading.Thread(target=_stop_when_orphaned, name="supervisor watch", daemon=True).start()
    work(*arguments)


def _close_inherited(*needed: int) -> None:
    """Close the files that a fork inherits from the supervisor, except `needed`.

    Otherwise the last child to stop would keep the port and the home folder's lock.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None or _processes.get_start_method() != "fork":
        return
    first = sys.stderr.fileno() + 1
    for kept in sorted({*needed, supervisor.sentinel}):
        os.closerange(first, kept)
        first = kept + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def _stop_when_orphaned() -> None:
    """Send SIGTERM to this process once the supervisor has died."""
    supervisor = multiprocessing.parent_process()
    assert supervisor
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


def bind(host: str, port: int) -> socket.socket:
    """Bind the port and listen. The caller does this first, since a port in use is the most common mistake."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise StartError(
            f"Port {port} on {host} can't be used: {error.strerror}. Choose another with --port."
        ) from error
    listener.listen(2_048)
    return listener


class StopFlag:
    """Whether the desk should stop. A signal handler may set it at any moment, because it has no lock.

    `threading.Event` has a lock: a handler that runs during `Event.wait` would wait for this lock for ever.
    """

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True

    def wait(self, seconds: float) -> bool:
        """Sleep, unless the flag is set. Return whether it is set afterwards."""
        if not self._is_set:
            time.sleep(seconds)
        return self._is_set


@contextlib.contextmanager
def stop_signals() -> Iterator[StopFlag]:
    """Yield a flag that SIGTERM and SIGINT set while the context lasts."""
    stop = StopFlag()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def database() -> Iterator[str]:
    """Yield the address of the desk's database: `DATABASE_URL`, or the embedded one, which is stopped at the end."""
    url = environment.database_url()
    if url:
        yield url
        return
    home = environment.home()
    with postgres.exclusive_home(home):
        server = postgres.Postgres(home, environment.postgres_bin())
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def run(listener: socket.socket, *, workers: int, stop: StopFlag, ready: str) -> None:
    """Run `workers` servers, the pages and the worker until `stop` is set. Print `ready` once the desk answers."""
    from tradepost.up.server import serve, serve_pages  # noqa: PLC0415 - needs Django
    from tradepost.up.worker import run_worker  # noqa: PLC0415 - needs Django

    gc.collect()
    gc.freeze()  # so that all forks share the memory of imported objects: a collection would write to each object
    to_pages, from_servers = connection_handover.pair()
    servers = [Child("server", serve, listener, to_pages) for _ in range(workers)]
    pages = Child("pages", serve_pages, from_servers)
    children = [*servers, pages, Child("worker", run_worker, stop_seconds_max=WORKER_STOP_SECONDS_MAX)]
    try:
        _wait_until_ready(listener, children, stop)
        if not stop.is_set():
            print(ready, flush=True)
        while not stop.wait(LOOK_SECONDS):
            for child in children:
                child.keep_alive()
    finally:
        since = time.monotonic()
        for child in children:
            child.stop()
        for child in children:
            child.join(since)


def _wait_until_ready(listener: socket.socket, children: list[Child], stop: StopFlag) -> None:
    host, port = listener.getsockname()[:2]
    address = ({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - read, not bound
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not stop.is_set():
        for child in children:
            child.keep_alive()
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1) as probe:
            probe.sendall(b"GET /api/v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            if probe.recv(12).endswith(b"200"):
                return
        if time.monotonic() > deadline:
            raise StartError(f"The desk does not answer after {READY_SECONDS_MAX} s; its messages are above.")
        stop.wait(0.05)
