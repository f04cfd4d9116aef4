"""Desks for one benchmark: started in temporary folders, seeded, gone afterwards. Several may run side by side."""

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

from bench import cpu, seeding
from bench.errors import Failed
from bench.seeding import KEY, Size
from bench.workload import CUSTOMERS, ORDERS_OF_OWNER, OWNERS, SERVICES
from tradepost.config import environment
from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX
from tradepost.up.postgres import Postgres

SIZE = Size(customers=CUSTOMERS, services=SERVICES, orders=OWNERS * ORDERS_OF_OWNER, owners=OWNERS)
START_SECONDS_MAX = 180
STOP_SECONDS_MAX = 30
CHECK_SECONDS_MAX = 600
ANSWER_SECONDS_MAX = 30
SERVER = "tradepost serve"  # the 15 characters that the kernel keeps of a process's name
SETTLE_SECONDS = 0.5  # longer than a request waits for a thread
SETTLE_TRIES_MAX = 50

# And whether somebody has written to it and not committed yet, since a disk that others use holds commits up.
_COUNT = """
SELECT count(*), EXISTS (
    SELECT FROM pg_locks
    WHERE relation = %(table)s::regclass AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
) FROM {table} WHERE id > %(after)s
"""


@dataclass(frozen=True)
class Desk:
    """A running desk: `servers` are its server processes (none without /proc), `postmaster` PostgreSQL's first one.

    The orders that are there from the start are counted from `first_order` on, one for each owner, again and again.
    `environ` is what a process needs that works on the same database.
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
        """The server process, the first one if there are several."""
        return self.servers[0] if self.servers else None

    def newest(self, table: str) -> int:
        """Return the last id in a table; 0 if there is none."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            row = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()
        assert row
        return int(row[0])

    def count(self, table: str, *, after: int = 0) -> int:
        """Count a table's rows with ids after this one, once what was in flight when its clients left is in it too."""
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
        raise Failed(f"{table} keeps growing with nobody there")

    def balances(self) -> Decimal:
        """Add up what all customers have."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("SELECT sum(balance) FROM ledger_account WHERE balance IS NOT NULL").fetchone()
        assert row
        return Decimal(row[0])


@contextmanager
def fresh(*, size: Size = SIZE, log: Path | None = None, settings: Sequence[str] = ()) -> Iterator[Desk]:
    """Run a desk for as long as the context lasts; if nobody says otherwise with 1,000 customers and 10,000 orders.

    Its messages go where ours go, or into a file. `settings` are for its PostgreSQL, each NAME=VALUE.
    """
    home = Path(tempfile.mkdtemp(prefix="tradepost-bench-"))
    try:
        environ = _environ(home)
        postgres = Postgres(home, environment.postgres_bin())
        if settings:
            _set(postgres, settings)
        with _process(environ, postgres, log) as (process, url):
            seeded = seeding.seed(postgres.url, size)
            environ = {**environ, "DATABASE_URL": postgres.url}
            _reckon_totals(environ)
            postmaster = int((postgres.data / "postmaster.pid").read_text().split()[0])
            servers = cpu.named(process.pid, SERVER)
            yield Desk(f"{url}/api/v2", postgres.url, seeded.service, seeded.order, servers, postmaster, environ)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def beside(desk: Desk, *arguments: str) -> Iterator[Desk]:
    """Run another desk on the database of this one, by `tradepost up` with these arguments."""
    with _process(desk.environ, None, None, *arguments) as (process, url):
        yield replace(desk, api_url=f"{url}/api/v2", servers=cpu.named(process.pid, SERVER))


def set_up_django(desk: Desk) -> None:
    """Have Django in this process, on the database of this desk. There can be one such desk a process."""
    os.environ |= desk.environ
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
    import django  # noqa: PLC0415 - it reads the environment

    django.setup()


def services(desk: Desk) -> bytes:
    """Return the list of services, as the desk sends it plain."""
    body = f"key={KEY}1&action=services".encode()
    with urllib.request.urlopen(desk.api_url, data=body, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310 - http
        return bytes(answer.read())


def check(desk: Desk) -> str:
    """Prove a desk's books and return what `tradepost check` says. Raises `Failed` if they are wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "tradepost.cli", "check"],
        check=False, capture_output=True, text=True, timeout=CHECK_SECONDS_MAX, env=desk.environ,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"the books are not clean: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def _reckon_totals(environ: Mapping[str, str]) -> None:
    """Have the totals brought up to date, as those of a desk are that has been in use for long.

    The worker would do it too, but in the midst of what is measured. How far it is goes to standard error.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tradepost.cli", "reports", "rebuild", "--go-on"],
        check=False, stdout=sys.stderr, env=environ,
    )  # fmt: skip
    if done.returncode:
        raise Failed("the totals could not be brought up to date")
    with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE reports_total, reports_duration")
        connection.execute("CHECKPOINT")
    os.sync()  # else a commit of one desk waits for all that was written for another


def _environ(home: Path) -> dict[str, str]:
    """Return the environment without what it says of any desk, and with this home."""
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
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            for name, _, value in (setting.partition("=") for setting in settings):
                statement = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
                connection.execute(statement)
    except psycopg.Error as error:
        raise Failed(f"that can't be set: {error}") from error
    finally:
        postgres.stop()


@contextmanager
def _process(
    environ: Mapping[str, str], postgres: Postgres | None, log: Path | None, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `tradepost up`, out of reach of the terminal's Ctrl-C: it is stopped here, after all that use it."""
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
        if postgres and postgres.is_answering():  # a desk that had to be killed leaves it behind
            postgres.stop()


def _url(process: subprocess.Popen[str]) -> str:
    """Wait for the ready line and return the address in it."""
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], START_SECONDS_MAX)
    line = process.stdout.readline() if readable else ""
    if "ready" not in line:
        raise Failed(f"the desk did not come up: {line!r}")
    return line.split()[3]
