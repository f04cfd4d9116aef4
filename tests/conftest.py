"""A real PostgreSQL for a process that runs tests, made here and gone at the end; each test makes its own customers.

Nothing is rolled back or emptied between tests: transfers can't be deleted, by design. `TRADEPOST_POSTGRES_BIN` runs
the same tests on another version's programs.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from testkit import process_cpu
from tradepost.config import environment
from tradepost.up.postgres import Postgres

_home = Path(tempfile.mkdtemp(prefix="tradepost-tests-"))
_postgres = Postgres(_home, environment.postgres_bin())
_numbers = count(1)

DESK_NAME = "a desk of the tests"  # of its sessions at the database

os.environ["TRADEPOST_HOME"] = str(_home)
os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
os.environ["TRADEPOST_PRIVATE_ADDRESSES"] = "allow"  # upstream panels of tests are on this machine


def pytest_configure(config: pytest.Config) -> None:
    """Start the database and bring its schema up before any test module imports a model."""
    if _only_hands_out(config):
        return
    _postgres.start()
    os.environ["DATABASE_URL"] = _postgres.url
    import django

    django.setup()
    from tradepost.up import migrations

    migrations.apply()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the database and leave nothing behind."""
    if not _only_hands_out(config):
        _postgres.stop()
    shutil.rmtree(_home)


def _only_hands_out(config: pytest.Config) -> bool:
    """Tell whether this process hands the tests out to others, each with a database of its own, and runs none."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


class Customer(NamedTuple):
    """An account with money and a key."""

    id: int
    email: str
    key: str
    digest: bytes


@pytest.fixture
def connect() -> Iterator[Callable[[], psycopg.Connection]]:
    """Open connections to the test database, closed at the end."""
    opened: list[psycopg.Connection] = []

    def open_one() -> psycopg.Connection:
        opened.append(psycopg.connect(_postgres.url))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def connection(connect: Callable[[], psycopg.Connection]) -> psycopg.Connection:
    """One connection, as the engine takes it."""
    return connect()


@pytest.fixture
def make_customer() -> Callable[..., Customer]:
    """Make accounts with a balance and a key."""
    from tradepost.accounts import keys
    from tradepost.accounts.models import Account
    from tradepost.engine.keys import digest
    from tradepost.ledger import books

    def make(balance: str = "100", **key: Any) -> Customer:
        email = f"customer{next(_numbers)}@test.example"
        account = Account.objects.create_user(email)
        if Decimal(balance):
            books.top_up(account.pk, Decimal(balance), actor="test")
        text = keys.create(account, **key)
        return Customer(account.pk, email, text, digest(text))

    return make


@pytest.fixture
def alice(make_customer: Callable[..., Customer]) -> Customer:
    """The owner of what is tested; she has 100.00."""
    return make_customer()


@pytest.fixture
def bob(make_customer: Callable[..., Customer]) -> Customer:
    """Another customer; he has 100.00 too."""
    return make_customer()


@pytest.fixture
def make_service() -> Callable[..., int]:
    """Make services on sale and return their ids; fulfilled by hand unless said otherwise."""
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


@pytest.fixture(autouse=True)
def clean_books() -> Iterator[None]:
    """Prove the books after every test."""
    yield
    from tradepost.ledger import books

    assert books.check() == []


class Desk(NamedTuple):
    """A running desk."""

    url: str
    api_url: str
    process: subprocess.Popen[str]
    home: Path


_desks: list[Desk] = []  # those that run


@pytest.fixture
def workers_at_rest() -> Iterator[None]:
    """Keep the workers of running desks from what a test has made to look at; they wait outside any transaction."""
    resting = [pid for desk in _desks if (pid := process_cpu.first_child_named(desk.process.pid, "tradepost worke"))]
    while resting:
        for pid in resting:
            os.kill(pid, signal.SIGSTOP)
        if not _are_in_transactions():
            break
        for pid in resting:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
    yield
    for pid in resting:
        os.kill(pid, signal.SIGCONT)


def _are_in_transactions() -> bool:
    with psycopg.connect(_postgres.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND xact_start IS NOT NULL", [DESK_NAME]
        ).fetchone()
    assert row
    return bool(row[0])


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


def stop_desk(desk: Desk, *, seconds_max: float = 20) -> int:
    """Stop a desk as an operator does, and return its exit status."""
    _desks.remove(desk)
    with desk.process:  # waits, and closes the pipe
        desk.process.send_signal(signal.SIGTERM)
        try:
            return desk.process.wait(seconds_max)
        finally:
            desk.process.kill()


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """A desk that runs on the test database, its simulator quick."""
    running = start_desk(TRADEPOST_SIMULATOR_SECONDS="2")
    yield running
    assert stop_desk(running) == 0
