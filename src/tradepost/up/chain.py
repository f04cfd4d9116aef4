"""A second desk under this one: the demo's upstream panel, a Tradepost too."""

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
def upstream() -> Iterator[dict[str, Any]]:
    """Run a demo desk in a folder of this one's home, for as long as the context lasts; what its `demo.json` says."""
    home = environment.home() / "upstream"
    environ = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "TRADEPOST_URL"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "tradepost.cli", "up", "--demo", "--port", "0"],
        env={**environ, "TRADEPOST_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is this desk's to handle: it stops the other one last
    )
    try:
        yield _demo_of(process, home)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _demo_of(process: "subprocess.Popen[str]", home: Path) -> dict[str, Any]:
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], READY_SECONDS_MAX)
    line = process.stdout.readline() if readable else ""
    if "ready" not in line:
        raise StartError("The upstream desk does not come up; its messages are above.")
    demo: dict[str, Any] = json.loads((home / "demo.json").read_text())
    return demo
