"""Desks for one benchmark: started in temporary folders, seeded, deleted at the end. Several may run at once."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import psycopg
from psycopg import sql

from bench.seeds import numbered_orders
from bench.seeds.numbered_orders import KEY, Size
from testkit import process_cpu
from testkit.errors import RunFailedError
from tradepost.config import environment
from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX
from tradepost.up.postgres import Postgres

CUSTOMERS = 1_000
OWNERS = 100  # the customers that have orders from the start
ORDERS_OF_OWNER = 100
SERVICES = 5_000
SIZE = Size(customers=CUSTOMERS, services=SERVICES, orders=OWNERS * ORDERS_OF_OWNER, owners=OWNERS)
START_SECONDS_MAX = 180
STOP_SECONDS_MAX = 30
CHECK_SECONDS_MAX = 600
ANSWER_SECONDS_MAX = 30
SERVER = "tradepost serve"  # the kernel keeps 15 characters of a process's name
SETTLE_SECONDS = 0.5  # longer than a request waits for a thread
SETTLE_TRIES_MAX = 50

# And whether a transaction has written to the table without committing yet: a busy disk delays commits.
_COUNT = """
SELECT count(*), EXISTS (
    SELECT FROM pg_locks
    WHERE relation = %(table)s::regclass AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
) FROM {table} WHERE id > %(after)s
"""


@dataclass(frozen=True)
class Desk:
    """A running desk: `servers` are its server processes (none without /proc), `postmaster` is PostgreSQL's main one.

    The seeded orders begin with the id `first_order` and belong to the owners in turns. A process with the environment
    `environ` works on the same database.
    """

    api_url: str
    database_url: str
    service: int
    first_order: int
    servers: tuple[int, ...]
    postmaster: int
    environ: Mapping[str, str]

    @property
    def server(self) -> int | None:
        """The first server process."""
        return self.servers[0] if self.servers else None

    def newest(self, table: str) -> int:
        """Return the last id in a table; 0 if the table is empty."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            row = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()
        assert row
        return int(row[0])

    def count(self, table: str, *, after: int = 0) -> int:
        """Wait for the requests in flight to be committed, then count a table's rows whose id is above `after`."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            before = -1
            for _ in range(SETTLE_TRIES_MAX):
                row = connection.execute(_COUNT.format(table=table), {"table": table, "after": after}).fetchone()
                assert row
                count, is_written = row
                if count == before and not is_written:
                    return int(count)
                before = count
                time.sleep(SETTLE_SECONDS)
        raise RunFailedError(f"{table} keeps growing with nobody there")

    def balances(self) -> Decimal:
        """Return the sum of all customers' balances."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("SELECT sum(balance) FROM ledger_account WHERE balance IS NOT NULL").fetchone()
        assert row
        return Decimal(row[0])


@contextmanager
def fresh(*, size: Size = SIZE, log: Path | None = None, settings: Sequence[str] = ()) -> Iterator[Desk]:
    """Run a desk for as long as the context lasts, by default with 1,000 customers and 10,000 orders.

    The desk logs to `log`, by default to the terminal. `settings` are for its PostgreSQL, each NAME=VALUE.
    """
    home = Path(tempfile.mkdtemp(prefix="tradepost-bench-"))
    try:
        environ = _environ(home)
        postgres = Postgres(home, environment.postgres_bin())
        if settings:
            _set(postgres, settings)
        with _process(environ, postgres, log) as (process, url):
            seeded = numbered_orders.seed(postgres.superuser_url, size)
            environ = {**environ, "DATABASE_URL": postgres.superuser_url}
            _add_up_totals(environ)
            postmaster = int((postgres.data / "postmaster.pid").read_text().split()[0])
            servers = process_cpu.children_named(process.pid, SERVER)
            yield Desk(
                f"{url}/api/v2", postgres.superuser_url, seeded.service, seeded.order, servers, postmaster, environ
            )
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def second_desk(desk: Desk, *arguments: str) -> Iterator[Desk]:
    """Run `tradepost up` with these arguments on the database of a running desk."""
    with _process(desk.environ, None, None, *arguments) as (process, url):
        yield replace(desk, api_url=f"{url}/api/v2", servers=process_cpu.children_named(process.pid, SERVER))


def set_up_django(desk: Desk) -> None:
    """Set up Django in this process, on the database of this desk. A process can do so for one desk only."""
    os.environ |= desk.environ
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
    import django  # noqa: PLC0415 - it reads the environment

    django.setup()


def services(desk: Desk) -> bytes:
    """Return the list of services as the desk sends it without compression."""
    body = f"key={KEY}1&action=services".encode()
    with urllib.request.urlopen(desk.api_url, data=body, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310 - http
        return bytes(answer.read())


def check(desk: Desk) -> str:
    """Run `tradepost check` and return its output. Raises `RunFailedError` if the books are wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "tradepost.cli", "check"],
        check=False, capture_output=True, text=True, timeout=CHECK_SECONDS_MAX, env=desk.environ,
    )  # fmt: skip
    if done.returncode:
        raise RunFailedError(f"the books are not clean: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def _add_up_totals(environ: Mapping[str, str]) -> None:
    """Bring the totals up to date, as those of a desk in use are.

    The desk's worker would do this too, but during the measurement. Progress goes to standard error.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tradepost.cli", "reports", "rebuild", "--go-on"],
        check=False, stdout=sys.stderr, env=environ,
    )  # fmt: skip
    if done.returncode:
        raise RunFailedError("the totals could not be brought up to date")
    with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE reports_total, reports_duration")
        connection.execute("CHECKPOINT")
    os.sync()  # or a commit of one desk waits until everything written for another one is on the disk


def _environ(home: Path) -> dict[str, str]:
    """Return the environment without the settings of any desk, and with this home."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "TRADEPOST_POSTGRES_BIN" or not (name == "DATABASE_URL" or name.startswith("TRADEPOST_"))
    }
    limit = str(REQUESTS_A_MINUTE_MAX)  # counted, but never refused
    return {**kept, "TRADEPOST_HOME": str(home), "TRADEPOST_REQUESTS_A_MINUTE": limit}


def _set(postgres: Postgres, settings: Sequence[str]) -> None:
    postgres.start()
    try:
        with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
            for name, _, value in (setting.partition("=") for setting in settings):
                statement = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
                connection.execute(statement)
    except psycopg.Error as error:
        raise RunFailedError(f"that can't be set: {error}") from error
    finally:
        postgres.stop()


@contextmanager
def _process(
    environ: Mapping[str, str], postgres: Postgres | None, log: Path | None, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `tradepost up` in a session of its own: Ctrl-C must not stop the desk before the processes that use it."""
    with log.open("w") if log else nullcontext() as messages:
        process = subprocess.Popen(
            [sys.executable, "-m", "tradepost.cli", "up", "--port", "0", *arguments],
            stdout=subprocess.PIPE, stderr=messages, text=True, start_new_session=True, env=environ,
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
        if postgres and postgres.is_answering():  # a desk that was killed leaves PostgreSQL running
            postgres.stop()


def _url(process: subprocess.Popen[str]) -> str:
    """Wait for the ready line and return its URL."""
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], START_SECONDS_MAX)
    line = process.stdout.readline() if readable else ""
    if "ready" not in line:
        raise RunFailedError(f"the desk did not come up: {line!r}")
    return line.split()[3]
