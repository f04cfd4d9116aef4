"""A second desk as the demo's upstream panel: it is a Tradepost, too."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tradepost.config import environment
from tradepost.up.errors import StartError

READY_SECONDS_MAX = 120
STOP_SECONDS_MAX = 60


@contextlib.contextmanager
def upstream_desk() -> Iterator[dict[str, Any]]:
    """Run a second demo desk, with its data in this desk's home folder. Yield the content of its `demo.json`."""
    home = environment.home() / "upstream"
    environ = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "TRADEPOST_URL"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "tradepost.cli", "up", "--demo", "--port", "0"],
        env={**environ, "TRADEPOST_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that Ctrl-C reaches this desk only, which stops the second desk last
    )
    try:
        yield _read_demo(process, home)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _read_demo(process: "subprocess.Popen[str]", home: Path) -> dict[str, Any]:
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], READY_SECONDS_MAX)
    line = process.stdout.readline() if readable else ""
    if "ready" not in line:
        raise StartError("The upstream desk does not come up; its messages are above.")
    demo: dict[str, Any] = json.loads((home / "demo.json").read_text())
    return demo
