"""Runs an ASGI application under uvicorn, with the options of the desk's server, in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from testkit.errors import RunFailedError

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 10
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class HttpServer:
    """A running application."""

    url: str
    pid: int


@contextmanager
def serve(application: str, **environ: str) -> Iterator[HttpServer]:
    """Run an application, like `bench.yardsticks.bare_asgi:application`, for as long as the context lasts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable, "-m", "uvicorn", application, "--port", str(port), "--http", "httptools", "--loop",
            "uvloop", "--lifespan", "off", "--no-access-log", "--log-level", "warning",
        ],
        env={**os.environ, **environ},
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait(process, port)
        yield HttpServer(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(LOOK_SECONDS)
        else:
            return
    raise RunFailedError("a yardstick's server did not come up; its messages are above")
