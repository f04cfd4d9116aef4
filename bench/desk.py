"""A fresh desk for one benchmark: started in a temporary folder, seeded by the project's own code, gone afterwards."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg

from bench import cpu
from bench.errors import Failed
from bench.workload import CUSTOMERS, KEY
from tradepost.config import environment
from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX
from tradepost.up.postgres import Postgres

BALANCE = Decimal("1000000.00")
START_SECONDS_MAX = 180
STOP_SECONDS_MAX = 30
CHECK_SECONDS_MAX = 600
SETTLE_SECONDS = 0.2
SETTLE_TRIES_MAX = 50


@dataclass(frozen=True)
class Desk:
    """A running desk. `server` is its server process, `postmaster` PostgreSQL's first one; None without /proc."""

    api_url: str
    database_url: str
    service: int
    server: int | None
    postmaster: int

    def cpu(self) -> cpu.Seconds | None:
        """Return the CPU seconds used so far."""
        return cpu.used(server=self.server, postmaster=self.postmaster) if self.server else None

    def count(self, table: str) -> int:
        """Count the rows of a table, once what was still in flight when its clients left is in it too."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            before = -1
            for _ in range(SETTLE_TRIES_MAX):
                row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
                assert row
                if row[0] == before:
                    return int(before)
                before = row[0]
                time.sleep(SETTLE_SECONDS)
        raise Failed(f"{table} keeps growing with nobody there")

    def balances(self) -> Decimal:
        """Add up what all customers have."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("SELECT sum(balance) FROM ledger_account WHERE balance IS NOT NULL").fetchone()
        assert row
        return Decimal(row[0])


@contextmanager
def fresh(*, log: Path | None = None) -> Iterator[Desk]:
    """Run a desk with 1,000 customers and one service for as long as the context lasts.

    Its messages go where ours go, or into a file.
    """
    home = Path(tempfile.mkdtemp(prefix="tradepost-bench-"))
    try:
        for name in [name for name in os.environ if name == "DATABASE_URL" or name.startswith("TRADEPOST_")]:
            if name != "TRADEPOST_POSTGRES_BIN":
                del os.environ[name]
        os.environ["TRADEPOST_HOME"] = str(home)
        os.environ["TRADEPOST_REQUESTS_A_MINUTE"] = str(REQUESTS_A_MINUTE_MAX)  # counted, but never refused
        postgres = Postgres(home, environment.postgres_bin())
        with _process(postgres, log) as (process, url):
            service = _seed(postgres.url)
            postmaster = int((postgres.data / "postmaster.pid").read_text().split()[0])
            yield Desk(f"{url}/api/v2", postgres.url, service, cpu.child(process.pid, "tradepost serve"), postmaster)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def check() -> str:
    """Prove the desk's books and return what `tradepost check` says. Raises `Failed` if they are wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "tradepost.cli", "check"],
        check=False, capture_output=True, text=True, timeout=CHECK_SECONDS_MAX,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"the books are not clean: {done.stdout}{done.stderr}")
    return done.stdout.strip()


@contextmanager
def _process(postgres: Postgres, log: Path | None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `tradepost up`, out of reach of the terminal's Ctrl-C: it is stopped here, after all that use it."""
    with log.open("w") if log else nullcontext() as messages:
        process = subprocess.Popen(
            [sys.executable, "-m", "tradepost.cli", "up", "--port", "0"],
            stdout=subprocess.PIPE, stderr=messages, text=True, start_new_session=True,
        )  # fmt: skip
    try:
        yield process, _url(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if postgres.is_answering():  # a desk that had to be killed leaves it behind
            postgres.stop()


def _url(process: subprocess.Popen[str]) -> str:
    """Wait for the ready line and return the address in it."""
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], START_SECONDS_MAX)
    line = process.stdout.readline() if readable else ""
    if "ready" not in line:
        raise Failed(f"the desk did not come up: {line!r}")
    return line.split()[3]


def _seed(database_url: str) -> int:
    """Make the customers, each with a key and 1,000,000.00, and a service by hand; return the service's id."""
    os.environ["DATABASE_URL"] = database_url
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
    import django  # noqa: PLC0415

    django.setup()
    from django.db import connection, transaction  # noqa: PLC0415

    from tradepost.accounts.models import Account, Key  # noqa: PLC0415
    from tradepost.catalog.models import Category, Service  # noqa: PLC0415
    from tradepost.engine import keys  # noqa: PLC0415
    from tradepost.ledger import books  # noqa: PLC0415

    with transaction.atomic():
        for number in range(1, CUSTOMERS + 1):
            account = Account.objects.create_user(f"customer{number}@bench.example")
            text = f"{KEY}{number}"
            Key.objects.create(account=account, digest=keys.digest(text), hint=text[: keys.HINT_CHARS])
            books.top_up(account.pk, BALANCE, actor="bench")
        category = Category.objects.create(name="Pixelpond")
        service = Service.objects.create(
            category=category, name="Pixelpond Followers", rate=Decimal("0.90"), min=10, max=10_000
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    return int(service.pk)
