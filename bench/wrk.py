"""The load on a server: wrk, with the workload's Lua script."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.errors import Failed
from bench.figures import Figures
from bench.seeding import KEY

GRACE_SECONDS_MAX = 30  # to connect, and to end

_HERE = Path(__file__).parent
_ERRORS = ("connecting", "reading", "writing", "time")  # as the script tells them


def run(url: str, script: str, arguments: Sequence[str], *, connections: int, seconds: int) -> Figures:
    """Load a server. Raises `Failed` if a single answer was not right."""
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(_HERE / "load.lua"), url,
            "--", str(_HERE / f"{script}.lua"), KEY, *arguments,
        ],
        check=False, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS_MAX,
    )  # fmt: skip
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("figures ")]
    if done.returncode or len(lines) != 1:
        raise Failed(f"wrk has no figures: {done.stdout}{done.stderr}")
    answered, duration_us, p50_us, p99_us, wrong, *errors = map(int, lines[0])
    if wrong or any(errors) or not answered:
        told = ", ".join(f"{count} by {what}" for count, what in zip(errors, _ERRORS, strict=True))
        raise Failed(f"of {answered} answers at {connections} connections {wrong} were wrong, and did not come: {told}")
    return Figures(answered, answered / duration_us * 1e6, p50_us / 1e3, p99_us / 1e3)
