"""Runs wrk, the load generator, with the Lua script of a workload."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.run_results import Figures
from bench.seeds.numbered_orders import KEY
from testkit.errors import RunFailedError

GRACE_SECONDS_MAX = 30  # to connect, and to end

_DRIVER = Path(__file__).with_name("wrk.lua")
_ERRORS = ("connecting", "reading", "writing", "time")  # in the order that wrk.lua prints them


def run(url: str, script: Path, arguments: Sequence[str], *, connections: int, seconds: int) -> Figures:
    """Load a server. Raises `RunFailedError` if one answer was wrong or missing."""
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(_DRIVER), url,
            "--", str(script), KEY, *arguments,
        ],
        check=False, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS_MAX,
    )  # fmt: skip
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("figures ")]
    if done.returncode or len(lines) != 1:
        raise RunFailedError(f"wrk has no figures: {done.stdout}{done.stderr}")
    answered, duration_us, p50_us, p99_us, wrong, *errors = map(int, lines[0])
    if wrong or any(errors) or not answered:
        missing = ", ".join(f"{count} by {what}" for count, what in zip(errors, _ERRORS, strict=True))
        raise RunFailedError(
            f"of {answered} answers at {connections} connections {wrong} were wrong, and did not come: {missing}"
        )
    return Figures(answered, answered / duration_us * 1e6, p50_us / 1e3, p99_us / 1e3)
