"""The yardstick: pgbench, one transaction for each, in the desk's own database and tables."""

import re
import subprocess
from dataclasses import dataclass

from bench.desk import Desk
from bench.errors import Failed
from bench.workload import CUSTOMERS, KEY, Workload
from tradepost.config import environment
from tradepost.up.postgres import wheel_programs

CLIENTS = 32
THREADS = 2
GRACE_SECONDS_MAX = 30

_FIGURES = re.compile(
    r"number of transactions actually processed: (?P<done>\d+).*number of failed transactions: (?P<failed>\d+)"
    r".*latency average = (?P<latency>[\d.]+) ms.*tps = (?P<tps>[\d.]+)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Yardstick:
    """What pgbench saw: how many transactions, their rate, and their average latency."""

    done: int
    per_second: float
    latency_ms: float


def run(workload: Workload, desk: Desk, *, seconds: int) -> Yardstick:
    """Run the workload's transaction by 32 clients. Raises `Failed` if a single one failed."""
    program = (environment.postgres_bin() or wheel_programs()) / "pgbench"
    done = subprocess.run(
        [
            program, "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", str(THREADS), "-T", str(seconds),
            "-f", str(workload.sql), "-D", f"customers={CUSTOMERS}", "-D", f"key_text={KEY}",
            "-D", f"service={desk.service}", desk.database_url,
        ],
        check=False, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS_MAX,
    )  # fmt: skip
    found = _FIGURES.search(done.stdout)
    if done.returncode or not found or found["failed"] != "0":
        raise Failed(f"pgbench failed: {done.stdout}{done.stderr}")
    return Yardstick(int(found["done"]), float(found["tps"]), float(found["latency"]))
