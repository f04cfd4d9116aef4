"""The yardstick in SQL: pgbench, one transaction for each, in the desk's own database and tables."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.errors import Failed
from bench.figures import Figures
from bench.seeding import KEY
from tradepost.config import environment
from tradepost.up.postgres import wheel_programs

THREADS = 2
GRACE_SECONDS_MAX = 30

_HERE = Path(__file__).parent
_FIGURES = re.compile(
    r"number of transactions actually processed: (?P<done>\d+).*number of failed transactions: (?P<failed>\d+)"
    r".*latency average = (?P<latency>[\d.]+) ms.*tps = (?P<tps>[\d.]+)",
    re.DOTALL,
)


def run(database_url: str, script: str, definitions: Sequence[str], *, clients: int, seconds: int) -> Figures:
    """Run a script's transaction by so many clients. Raises `Failed` if a single one failed."""
    program = (environment.postgres_bin() or wheel_programs()) / "pgbench"
    defined = [word for each in (f"key_text={KEY}", *definitions) for word in ("-D", each)]
    done = subprocess.run(
        [
            program, "-n", "-M", "prepared", "-c", str(clients), "-j", str(THREADS), "-T", str(seconds),
            "-f", str(_HERE / f"{script}.sql"), *defined, database_url,
        ],
        check=False, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS_MAX,
    )  # fmt: skip
    found = _FIGURES.search(done.stdout)
    if done.returncode or not found or found["failed"] != "0":
        raise Failed(f"pgbench failed: {done.stdout}{done.stderr}")
    return Figures(int(found["done"]), float(found["tps"]), mean_ms=float(found["latency"]))
