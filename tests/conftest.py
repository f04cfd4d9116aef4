"""Starts a PostgreSQL for the tests of this process, and deletes it at the end. Each test makes its own customers.

Nothing is rolled back or deleted between tests: transfers can't be deleted, by design. `TRADEPOST_POSTGRES_BIN` names
the programs of another PostgreSQL version.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

import tests.alike  # importing it sets up the process
from testkit import process_cpu
from tests.waiting import HANG_SECONDS, until
from tradepost.config import environment
from tradepost.up.database_roles import OWNER
from tradepost.up.postgres import Postgres

_home = Path(tempfile.mkdtemp(prefix="tradepost-tests-"))
_postgres = Postgres(_home, environment.postgres_bin())
_numbers = count(1)

DESK_NAME = "a desk of the tests"  # application name of its database sessions
DAY_SECONDS = 86_400
NIGHT_SECONDS = HANG_SECONDS / 2
PROC = Path("/proc")
NAME_CHARS_MAX = 15  # the kernel keeps no more of a process's name

os.environ["TRADEPOST_HOME"] = str(_home)
os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
os.environ["TRADEPOST_PRIVATE_ADDRESSES"] = "allow"  # upstream panels of tests are on this machine


def pytest_configure(config: pytest.Config) -> None:
    """Start the database and make its schema before any test module imports a model.

    Temporary files of tests are in a folder of this run. Pytest's own folder is shared by all runs of a user: another
    run would make it inaccessible to PostgreSQL, which may run as another user.
    """
    tests.alike.register(config)
    config.option.basetemp = config.option.basetemp or str(_home / "tests")
    if _runs_no_tests(config):
        return
    _postgres.start()
    with psycopg.connect(_postgres.superuser_url) as superuser:  # tests make impossible rows, and deadlocks at once
        superuser.execute(f"GRANT SET ON PARAMETER session_replication_role, deadlock_timeout TO {OWNER}")
    os.environ["DATABASE_URL"] = _postgres.url
    import django

    django.setup()
    from tradepost.config import static_files
    from tradepost.up import migrations

    migrations.apply()
    static_files.collect()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the database and delete its files."""
    if not _runs_no_tests(config):
        _postgres.stop()
        until_stopped(_home)
    shutil.rmtree(_home)


def until_stopped(home: Path) -> None:
    """Wait until the database of a home folder has stopped. The process that stops it does not wait for long."""
    until(lambda: not (home / "postgres" / "postmaster.pid").exists(), "the database stops")


def _runs_no_tests(config: pytest.Config) -> bool:
    """Return whether this process only hands out the tests to processes with databases of their own."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


class Customer(NamedTuple):
    """An account with money and a key."""

    id: int
    email: str
    key: str
    digest: bytes


@pytest.fixture
def connect() -> Iterator[Callable[[], psycopg.Connection]]:
    """Open connections to the test database, which are closed after the test."""
    opened: list[psycopg.Connection] = []

    def open_one() -> psycopg.Connection:
        opened.append(psycopg.connect(_postgres.url))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(connect: Callable[[], psycopg.Connection]) -> psycopg.Connection:
    """A connection to the test database."""
    return connect()


@pytest.fixture
def make_customer() -> Callable[..., Customer]:
    """Make accounts with a balance and a key."""
    from tradepost.accounts import keys
    from tradepost.accounts.models import Account
    from tradepost.engine.keys import digest
    from tradepost.ledger import operations

    def make(balance: str = "100", **key: Any) -> Customer:
        email = f"customer{next(_numbers)}@test.example"
        account = Account.objects.create_user(email)
        if Decimal(balance):
            operations.top_up(account.pk, Decimal(balance), actor="test")
        text = keys.create(account, **key)
        return Customer(account.pk, email, text, digest(text))

    return make


@pytest.fixture
def alice(make_customer: Callable[..., Customer]) -> Customer:
    """The customer who owns the tested rows; she has 100.00."""
    return make_customer()


@pytest.fixture
def bob(make_customer: Callable[..., Customer]) -> Customer:
    """Another customer; he has 100.00 too."""
    return make_customer()


@pytest.fixture
def make_service() -> Callable[..., int]:
    """Make services on sale and return their ids. By default they are fulfilled by hand."""
    from tradepost.catalog.models import Category, Service

    def make(**fields: Any) -> int:
        category, _ = Category.objects.get_or_create(name="Tests")
        defaults = {"name": "Followers", "rate": Decimal("0.90"), "min": 10, "max": 10_000}
        return Service.objects.create(category=category, **{**defaults, **fields}).pk

    return make


@pytest.fixture
def service(make_service: Callable[..., int]) -> int:
    """A Default service: 0.90 for 1,000, from 10 to 10,000."""
    return make_service()


@pytest.fixture
def one_day() -> None:
    """Keep the UTC day the same during the test: shortly before midnight, wait for the next day."""
    until(lambda: DAY_SECONDS - time.time() % DAY_SECONDS > NIGHT_SECONDS, "the next day has begun")


@pytest.fixture(autouse=True)
def clean_books() -> Iterator[None]:
    """Prove the books after every test."""
    yield
    from tradepost.ledger import operations

    assert operations.check() == []


class Desk(NamedTuple):
    """A running desk."""

    url: str
    api_url: str
    process: subprocess.Popen[str]
    home: Path


_desks: list[Desk] = []  # running desks


def process_of(desk: Desk, name: str, *, but: int = 0) -> int:
    """Wait for a desk's process of this name, other than `but`, and return its id."""
    shown = f"tradepost {name}"[:NAME_CHARS_MAX]
    return until(
        lambda: next((pid for pid in process_cpu.children_named(desk.process.pid, shown) if pid != but), None),
        f"the desk has a process called {name}",
    )


@contextlib.contextmanager
def resting_workers() -> Iterator[None]:
    """Stop the workers of all desks on the test database, outside any transaction, until the context ends.

    A worker may die when it goes on: procrastinate deletes workers without a recent heartbeat whenever another worker
    starts. The supervisor then starts it again.
    """
    desks = [desk for desk in _desks if desk.home == _home] if PROC.exists() else []
    workers: list[int] = []

    def are_at_rest() -> bool:
        workers[:] = [process_of(desk, "worker") for desk in desks]
        _send(signal.SIGSTOP, workers)
        until(lambda: all(_states(pid) in ({"T"}, {"Z"}) for pid in workers), "the workers have stopped or ended")
        if not workers or (all(_states(pid) == {"T"} for pid in workers) and not _are_in_transactions()):
            return True
        _send(signal.SIGCONT, workers)
        return False

    try:
        until(are_at_rest, "the workers have stopped between two transactions")
        yield
    finally:
        _send(signal.SIGCONT, workers)


def _send(number: signal.Signals, processes: Collection[int]) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):  # the process has died
            os.kill(pid, number)


def _states(pid: int) -> set[str]:
    """Return the states of a process's threads, as the kernel abbreviates them: T is stopped, Z has ended."""
    try:
        threads = [stat.read_text(errors="replace") for stat in (PROC / str(pid) / "task").glob("*/stat")]
    except OSError:  # a thread has ended while they were listed
        return set()
    return {text.rpartition(")")[2].split()[0] for text in threads} or {"Z"}


def _are_in_transactions() -> bool:
    with psycopg.connect(_postgres.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND xact_start IS NOT NULL", [DESK_NAME]
        ).fetchone()
    assert row
    return bool(row[0])


@pytest.fixture
def workers_at_rest() -> Iterator[None]:
    """Stop the workers of running desks during the test."""
    with resting_workers():
        yield


@pytest.fixture(autouse=True)
def workers_only_where_a_desk_is(request: pytest.FixtureRequest) -> None:
    """Stop the workers in tests without `desk`: a desk runs there only if an earlier test has started it."""
    if "desk" not in request.fixturenames:
        request.getfixturevalue("workers_at_rest")


def start_desk(*arguments: str, **environ: str) -> Desk:
    """Start `tradepost up` on a free port and wait for its ready line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tradepost.cli", "up", "--port", "0", *arguments],
        env={**os.environ, "PGAPPNAME": DESK_NAME, **environ},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    ready = process.stdout.readline()
    if "ready" not in ready:
        with process:
            process.kill()
        pytest.fail(f"the desk did not come up: {ready!r}")
    url = ready.split()[3]
    desk = Desk(url, f"{url}/api/v2", process, Path(environ.get("TRADEPOST_HOME", _home)))
    _desks.append(desk)
    return desk


def stop_desk(desk: Desk, *, by: signal.Signals = signal.SIGTERM) -> int:
    """Stop a desk as an operator does, and return its exit status."""
    _desks.remove(desk)
    with desk.process:  # waits for the process, and closes the pipe
        desk.process.send_signal(by)
        try:
            return desk.process.wait(HANG_SECONDS)
        finally:
            desk.process.kill()


def kill_desk(desk: Desk, *others: int) -> None:
    """Kill a desk's supervisor and other processes with -9."""
    _desks.remove(desk)
    with desk.process:
        for pid in (desk.process.pid, *others):
            with contextlib.suppress(ProcessLookupError):  # a process stops by itself without its supervisor
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """A desk that runs on the test database, with a fast simulator."""
    running = start_desk(TRADEPOST_SIMULATOR_SECONDS="2")
    yield running
    assert stop_desk(running) == 0
