"""How long the pages of the panel and the back office take on the server, with a year of orders in the database.

Django's test client loads the pages in this process. The time is from the request to the last byte of the answer, the
database included; for a file, to its first line. The weights are what a browser receives, compressed: on its first
visit the page with its stylesheets, scripts and fonts, on the next one the page alone.
"""

import gzip
import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

import psycopg
import typer

from bench.seeds.busy_year import SERVICES, add_just_now, seed
from bench.workloads import page_urls
from testkit.errors import RunFailedError
from tradepost.config import environment
from tradepost.up.postgres import Postgres

if TYPE_CHECKING:
    from django.test import Client

ORDERS_AN_ACCOUNT = 100
PERCENTILE = 95
OK = 200
NEXT_KB_MAX = 30
_LINKED_FILE = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_FONT = re.compile(r'url\("([^"]*(?:-latin\.|Symbols)[^"]*\.woff2)"\)')


class PageGroup(NamedTuple):
    """Pages with the same limit, loaded by the same user."""

    name: str
    pages: Mapping[str, str]
    ms_max: int
    kb_max: int = 0  # on a first visit
    by_staff: bool = True
    is_streamed: bool = False


PAGE_GROUPS = (
    PageGroup("panel", page_urls.PANEL, 100, 150, by_staff=False),
    PageGroup("back office", page_urls.BACK_OFFICE, 300, 400),
    PageGroup("files", page_urls.FILES, 300, is_streamed=True),
)


def measure(*, orders: int, times: int, only: str, keep: Path | None) -> None:
    """Seed a database, load every page `times` times, and print a line a page. Raises `RunFailedError` if one is slow.

    Only pages with `only` in their name are loaded. `keep` is a folder whose database is used again.
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
        os.environ["DATABASE_URL"] = postgres.superuser_url
        _prepare(postgres.superuser_url, orders)
        slow = [name for group in PAGE_GROUPS for name in _measure(group, times, only)]
    if slow:
        raise RunFailedError(f"too slow or too heavy: {', '.join(slow)}")


def _prepare(url: str, orders: int) -> None:
    """Bring the schema up to date, fill an empty database, and bring its totals up to date."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
    import django  # noqa: PLC0415 - Django reads the environment set above

    django.setup()
    from tradepost.accounts.models import Account  # noqa: PLC0415
    from tradepost.config import static_files  # noqa: PLC0415
    from tradepost.reports import rollup  # noqa: PLC0415
    from tradepost.up import migrations, server  # noqa: PLC0415

    migrations.apply()
    static_files.collect()
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


def _measure(group: PageGroup, times: int, only: str) -> list[str]:
    """Print how long each page takes and its weight. Return the names of the slow and of the heavy pages."""
    pages = {name: url for name, url in group.pages.items() if only in name}
    client = _client(by_staff=group.by_staff)
    values = _url_values()
    slow = []
    for number, (name, url) in enumerate(pages.items()):
        if not number:
            limits = f"{group.name}, {group.ms_max} ms" + (f", {group.kb_max} KB" if group.kb_max else "")
            typer.echo(f"{limits:<40}{'median ms':>11}{'95% ms':>9}{'first KB':>10}{'next KB':>9}")
        times_ms = list(_times_ms(client, url.format_map(values), times, is_streamed=group.is_streamed))
        high_ms = statistics.quantiles(times_ms, n=100, method="inclusive")[PERCENTILE - 1]
        first_kb, next_kb = (0.0, 0.0) if group.is_streamed else _weights_kb(client, url.format_map(values))
        is_heavy = not group.is_streamed and (first_kb > group.kb_max or next_kb > NEXT_KB_MAX)
        verdict = ("  slow" if high_ms > group.ms_max else "") + ("  heavy" if is_heavy else "")
        typer.echo(
            f"{name:<40}{statistics.median(times_ms):>11.1f}{high_ms:>9.1f}{first_kb:>10.0f}{next_kb:>9.0f}{verdict}"
        )
        slow += [name] if verdict else []
    return slow


def _client(*, by_staff: bool) -> "Client":
    """Sign in as the customer with the most orders, or as an owner of the desk."""
    from django.test import Client  # noqa: PLC0415

    from tradepost.accounts.models import Account  # noqa: PLC0415

    client = Client(SERVER_NAME="127.0.0.1")
    account = Account.objects.order_by("id")[0]
    if by_staff:
        account, _ = Account.objects.get_or_create(email="owner@bench.example", is_staff=True, is_superuser=True)
    client.force_login(account)
    return client


def _url_values() -> dict[str, object]:
    """Return the values for the names in braces in `page_urls`."""
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


def _weights_kb(client: "Client", url: str) -> tuple[float, float]:
    """Return what a browser receives for a page on its first visit, and on the next, when it has all files."""
    page = client.get(url, headers={"Accept-Encoding": "gzip"})
    html = gzip.decompress(page.content).decode()
    files = sum(_file_bytes(client, address) for address in set(_LINKED_FILE.findall(html)))
    return (len(page.content) + files) / 1_000, len(page.content) / 1_000


def _file_bytes(client: "Client", url: str) -> int:
    """Return the compressed bytes of a file, and of the fonts for Latin letters and icons if it is a stylesheet."""
    weight, text = _sent(client, url)
    for found in _FONT.findall(text) if url.endswith(".css") else ():
        weight += _sent(client, urljoin(url, found))[0]
    return weight


def _sent(client: "Client", url: str) -> tuple[int, str]:
    """Return the compressed bytes of a file, and its text."""
    content = {}
    for encoding in ("br", "identity"):
        response = client.get(url, headers={"Accept-Encoding": encoding})
        content[encoding] = b"".join(response)
        response.close()
    return len(content["br"]), content["identity"].decode(errors="replace")


def _times_ms(client: "Client", url: str, times: int, *, is_streamed: bool) -> Iterator[float]:
    """Load a page `times` + 1 times, and yield the milliseconds of all answers but the first."""
    for number in range(times + 1):
        start = time.perf_counter_ns()
        response = client.get(url)
        if is_streamed:
            next(iter(response))
        took_ms = (time.perf_counter_ns() - start) / 1e6
        response.close()
        if response.status_code != OK:
            raise RunFailedError(f"{url} is answered {response.status_code}")
        if number:
            yield took_ms
