"""A fresh desk for one benchmark: started in a temporary folder, seeded by the project's own code, gone afterwards."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg

from bench import cpu
from bench.errors import Failed
from bench.workload import CUSTOMERS, KEY, ORDERS_OF_OWNER, OWNERS, SERVICES
from tradepost.config import environment
from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX
from tradepost.up.postgres import Postgres

BALANCE = Decimal("1000000.00")
START_SECONDS_MAX = 180
STOP_SECONDS_MAX = 30
CHECK_SECONDS_MAX = 600
ANSWER_SECONDS_MAX = 30
SETTLE_SECONDS = 0.2
SETTLE_TRIES_MAX = 50


@dataclass(frozen=True)
class Desk:
    """A running desk. `server` is its server process, `postmaster` PostgreSQL's first one; None without /proc.

    The orders that are there from the start are counted from `first_order` on, one for each owner, again and again.
    """

    api_url: str
    database_url: str
    service: int
    first_order: int
    server: int | None
    postmaster: int

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
    """Run a desk with 1,000 customers, 5,000 services and 10,000 orders for as long as the context lasts.

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
            service, first_order = _seed(postgres.url)
            postmaster = int((postgres.data / "postmaster.pid").read_text().split()[0])
            server = cpu.child(process.pid, "tradepost serve")
            yield Desk(f"{url}/api/v2", postgres.url, service, first_order, server, postmaster)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def services(desk: Desk) -> bytes:
    """Return the list of services, as the desk sends it plain."""
    body = f"key={KEY}1&action=services".encode()
    with urllib.request.urlopen(desk.api_url, data=body, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310 - http
        return bytes(answer.read())


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


def _seed(database_url: str) -> tuple[int, int]:
    """Make customers, services and orders; return the service by hand to order, and the first order."""
    os.environ["DATABASE_URL"] = database_url
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
    import django  # noqa: PLC0415

    django.setup()
    from django.db import connection, transaction  # noqa: PLC0415

    with transaction.atomic():
        _seed_customers()
        service = _seed_services()
    with transaction.atomic():
        first_order = _seed_orders(service)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    return service, first_order


def _seed_customers() -> None:
    from tradepost.accounts.models import Account, Key  # noqa: PLC0415
    from tradepost.engine import keys  # noqa: PLC0415
    from tradepost.ledger import books  # noqa: PLC0415

    for number in range(1, CUSTOMERS + 1):
        account = Account.objects.create_user(f"customer{number}@bench.example")
        text = f"{KEY}{number}"
        Key.objects.create(account=account, digest=keys.digest(text), hint=text[: keys.HINT_CHARS])
        books.top_up(account.pk, BALANCE, actor="bench")


def _seed_services() -> int:
    from tradepost.catalog.models import Category, Service  # noqa: PLC0415

    category = Category.objects.create(name="Pixelpond")
    made = Service.objects.bulk_create(
        Service(category=category, name=f"Pixelpond Followers {number}", rate=Decimal("0.90"), min=10, max=10_000)
        for number in range(1, SERVICES + 1)
    )
    return int(made[0].pk)


def _seed_orders(service: int) -> int:
    """Place orders: one for each owner, and so on, so that an owner's are apart."""
    from tradepost.database import engine_connection  # noqa: PLC0415
    from tradepost.engine import keys, placing  # noqa: PLC0415

    asked = [
        placing.Request(
            keys.digest(f"{KEY}{owner}"),
            {"service": str(service), "quantity": "100", "link": f"https://pixelpond.example/o/{owner}"},
        )
        for owner in range(1, OWNERS + 1)
    ]
    first = 0
    for _ in range(ORDERS_OF_OWNER):
        placed = placing.place(engine_connection(), asked, mode=placing.Mode.API)
        assert isinstance(placed[0], placing.Placed)
        first = first or placed[0].order
    return first
