"""Runs pgbench: hand-written SQL, one transaction a request, in the desk's own database and tables."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.run_results import Figures
from bench.seeds.numbered_orders import KEY
from testkit.errors import RunFailedError
from tradepost.config import environment
from tradepost.up.postgres import wheel_programs

THREADS = 2
GRACE_SECONDS_MAX = 30

_FIGURES = re.compile(
    r"number of transactions actually processed: (?P<done>\d+).*number of failed transactions: (?P<failed>\d+)"
    r".*latency average = (?P<latency>[\d.]+) ms.*tps = (?P<tps>[\d.]+)",
    re.DOTALL,
)


def run(database_url: str, script: Path, definitions: Sequence[str], *, clients: int, seconds: int) -> Figures:
    """Run an SQL file. `definitions` are NAME=VALUE. Raises `RunFailedError` if one transaction failed."""
    program = (environment.postgres_bin() or wheel_programs()) / "pgbench"
    options = [word for definition in (f"key_text={KEY}", *definitions) for word in ("-D", definition)]
    done = subprocess.run(
        [
            program, "-n", "-M", "prepared", "-c", str(clients), "-j", str(THREADS), "-T", str(seconds),
            "-f", str(script), *options, database_url,
        ],
        check=False, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS_MAX,
    )  # fmt: skip
    figures = _FIGURES.search(done.stdout)
    if done.returncode or not figures or figures["failed"] != "0":
        raise RunFailedError(f"pgbench failed: {done.stdout}{done.stderr}")
    return Figures(int(figures["done"]), float(figures["tps"]), mean_ms=float(figures["latency"]))
