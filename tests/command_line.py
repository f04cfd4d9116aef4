"""Runs commands as the operator does."""

import os
import subprocess
import sys

from tests.waiting import HANG_SECONDS


def run(*arguments: str, status: int = 0, environ: dict[str, str] | None = None) -> str:
    """Run a command, and return what it prints to standard output and standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "tradepost.cli", *arguments],
        env={**os.environ, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stdout.strip()
