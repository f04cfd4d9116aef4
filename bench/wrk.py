"""The load on the desk: wrk, with the workload's Lua script."""

import subprocess
from dataclasses import dataclass

from bench.desk import Desk
from bench.errors import Failed
from bench.workload import CUSTOMERS, KEY, Workload

GRACE_SECONDS_MAX = 30  # to connect, and to end


@dataclass(frozen=True)
class Load:
    """What wrk saw: how many were answered, the rate, and the latency."""

    answered: int
    per_second: float
    p50_ms: float
    p99_ms: float


def run(workload: Workload, desk: Desk, *, connections: int, seconds: int, first: int) -> Load:
    """Load the desk; `first` sets off what must be distinct. Raises `Failed` if a single answer was not right."""
    before = desk.count(workload.counted_in) if workload.counted_in else 0
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(workload.lua), desk.api_url,
            "--", KEY, str(CUSTOMERS), str(desk.service), str(first),
        ],
        check=False, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS_MAX,
    )  # fmt: skip
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("figures ")]
    if done.returncode or len(lines) != 1:
        raise Failed(f"wrk has no figures: {done.stdout}{done.stderr}")
    answered, duration_us, p50_us, p99_us, wrong, errors = map(int, lines[0])
    if wrong or errors or not answered:
        raise Failed(f"of {answered} answers at {connections} connections {wrong} were wrong, {errors} did not come")
    if workload.counted_in:
        _check_count(desk.count(workload.counted_in) - before, answered, connections)
    return Load(answered, answered / duration_us * 1e6, p50_us / 1e3, p99_us / 1e3)


def _check_count(rows: int, answered: int, connections: int) -> None:
    """Hold what was answered against what is in the database, where those not waited for at the end may be too."""
    if not answered <= rows <= answered + connections:
        raise Failed(f"{answered} were answered, but the database has {rows}")
