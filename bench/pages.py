"""How long the panel's and the back office's pages take on the server, with a year's worth of everything behind them.

The pages are asked for in this process, by Django's own client: what is measured is what the server does, from the
request to the last byte of the answer, database included; of a file it is up to the first line.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import typer

from bench import addresses
from bench.errors import Failed
from bench.pages_seed import SERVICES, add_just_now, seed
from tradepost.config import environment
from tradepost.up.postgres import Postgres

if TYPE_CHECKING:
    from django.test import Client

ORDERS_AN_ACCOUNT = 100
PERCENTILE = 95
OK = 200


class Part(NamedTuple):
    """Pages that have the same limit and are asked for by the same person."""

    name: str
    pages: Mapping[str, str]
    ms_max: int
    by_staff: bool = True
    is_streamed: bool = False


PARTS = (
    Part("panel", addresses.PANEL, 100, by_staff=False),
    Part("back office", addresses.BACK_OFFICE, 300),
    Part("files", addresses.FILES, 300, is_streamed=True),
)


def measure(*, orders: int, times: int, only: str, keep: Path | None) -> None:
    """Seed a database, ask for every page so many times, and print a line a page. Raises `Failed` if one is slow.

    `only` leaves out the pages without this in their name; `keep` is a folder whose database is used again.
    """
    with ExitStack() as running:
        temporary = tempfile.TemporaryDirectory(prefix="tradepost-bench-", ignore_cleanup_errors=True)
        home = keep or Path(running.enter_context(temporary))
        for name in [name for name in os.environ if name == "DATABASE_URL" or name.startswith("TRADEPOST_")]:
            if name != "TRADEPOST_POSTGRES_BIN":
                del os.environ[name]
        os.environ["TRADEPOST_HOME"] = str(home)
        postgres = Postgres(home, environment.postgres_bin())
        running.callback(postgres.stop)
        postgres.start()
        os.environ["DATABASE_URL"] = postgres.url
        _prepare(postgres.url, orders)
        slow = [name for part in PARTS for name in _measure(part, times, only)]
    if slow:
        raise Failed(f"too slow: {', '.join(slow)}")


def _prepare(url: str, orders: int) -> None:
    """Bring the schema up to date, fill an empty database, and have its totals reckoned."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
    import django  # noqa: PLC0415 - once the database is there

    django.setup()
    from tradepost.accounts.models import Account  # noqa: PLC0415
    from tradepost.reports import rollup  # noqa: PLC0415
    from tradepost.up import migrations, server  # noqa: PLC0415

    migrations.apply()
    if not Account.objects.exists():
        accounts = max(orders // ORDERS_AN_ACCOUNT, 100)
        typer.echo(f"Seeding {orders:,} orders, {SERVICES:,} services and {accounts:,} accounts…", err=True)
        with closing(psycopg.connect(url)) as connection:
            seed(connection, orders=orders, accounts=accounts)
    start = time.monotonic()
    steps = sum(1 for _ in rollup.catch_up())
    if steps:
        typer.echo(f"  totals: {time.monotonic() - start:.0f} s", err=True)
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute("VACUUM ANALYZE")
    with closing(psycopg.connect(url)) as connection:
        add_just_now(connection)
    server.tune()


def _measure(part: Part, times: int, only: str) -> list[str]:
    """Print how long each page of a part takes, and return the slow ones."""
    pages = {name: address for name, address in part.pages.items() if only in name}
    client = _client(by_staff=part.by_staff)
    known = _known()
    slow = []
    for number, (name, address) in enumerate(pages.items()):
        if not number:
            typer.echo(f"{part.name + f', {part.ms_max} ms':<40}{'median ms':>11}{'95% ms':>9}")
        took = list(_took(client, address.format_map(known), times, is_streamed=part.is_streamed))
        high = statistics.quantiles(took, n=100, method="inclusive")[PERCENTILE - 1]
        typer.echo(f"{name:<40}{statistics.median(took):>11.1f}{high:>9.1f}{'  slow' if high > part.ms_max else ''}")
        slow += [name] if high > part.ms_max else []
    return slow


def _client(*, by_staff: bool) -> "Client":
    """Sign in as the customer who has most orders, or as the owner of the desk."""
    from django.test import Client  # noqa: PLC0415

    from tradepost.accounts.models import Account  # noqa: PLC0415

    client = Client(SERVER_NAME="127.0.0.1")
    account = Account.objects.order_by("id")[0]
    if by_staff:
        account, _ = Account.objects.get_or_create(email="owner@bench.example", is_staff=True, is_superuser=True)
    client.force_login(account)
    return client


def _known() -> dict[str, object]:
    """Return what addresses speak of."""
    from tradepost.accounts.models import Account  # noqa: PLC0415
    from tradepost.catalog.models import Category, Service  # noqa: PLC0415
    from tradepost.orders.models import Order  # noqa: PLC0415
    from tradepost.providers.models import Provider  # noqa: PLC0415

    account, quiet = Account.objects.order_by("id")[0], Account.objects.filter(is_staff=False).order_by("-id")[0]
    order = Order.objects.filter(account=account).latest("id").pk
    today = datetime.now(UTC).date()
    return {
        "order": order,
        "middle": order // 2,
        "account": account.pk,
        "quiet_account": quiet.pk,
        "service": Service.objects.order_by("id")[10].pk,
        "rare_service": Service.objects.order_by("-id")[10].pk,
        "category": Category.objects.order_by("id")[10].pk,
        "provider": Provider.objects.order_by("id")[10].pk,
        "today": today,
        "week_ago": today - timedelta(days=7),
        "long_ago": today - timedelta(days=200),
    }


def _took(client: "Client", address: str, times: int, *, is_streamed: bool) -> Iterator[float]:
    """Ask for a page, and yield how many milliseconds each answer took, the first one's left out."""
    for number in range(times + 1):
        start = time.perf_counter_ns()
        response = client.get(address)
        if is_streamed:
            next(iter(response))
        took = (time.perf_counter_ns() - start) / 1e6
        response.close()
        if response.status_code != OK:
            raise Failed(f"{address} is answered {response.status_code}")
        if number:
            yield took
