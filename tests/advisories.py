"""Looks up published advisories about the packages of the lock files, by pip-audit and OSV's database.

`scripts/test` runs this. A finding fails; where the database can't be reached, it says so and goes on.
"""

import re
import subprocess
import sys
from enum import Enum, auto
from pathlib import Path

ROOT = Path(__file__).parent.parent
OSV_URL = "https://api.osv.dev/v1/query"
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
# What requests raises in pip-audit, by name, if nothing answers, or a gateway that lets nothing through.
NOT_REACHED = re.compile(
    r"requests\.exceptions\.(ConnectionError|ConnectTimeout)|ReadTimeout|ProxyError|HTTPError: (403|407|429|5\d\d) "
)


class Outcome(Enum):
    """What an audit has found."""

    CLEAN = auto()
    FOUND = auto()
    NOT_DONE = auto()


def audit(locks: list[Path], *, osv_url: str = OSV_URL) -> tuple[Outcome, str]:
    """Audit lock files. Return the outcome and what pip-audit printed."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--desc", "off"]
    service = ["--vulnerability-service", "osv", "--osv-url", osv_url]
    files = [part for lock in locks for part in ("--requirement", str(lock))]
    command = [sys.executable, "-m", "pip_audit", *options, *service, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    if done.returncode == 0:
        return Outcome.CLEAN, printed
    if NOT_REACHED.search(done.stderr):
        return Outcome.NOT_DONE, printed
    return Outcome.FOUND, printed  # or a failure of pip-audit, which must not pass for a clean audit


def main() -> None:
    outcome, printed = audit([ROOT / lock for lock in LOCKS])
    if outcome is Outcome.NOT_DONE:
        print(f"{OSV_URL} can't be reached from here: nothing was audited.")  # noqa: T201 - for a terminal
        return
    print(printed)  # noqa: T201
    sys.exit(outcome is Outcome.FOUND)


if __name__ == "__main__":
    main()
