"""How long the panel's pages take on the server, with a year's worth of everything to look through.

The pages are asked for in this process, by Django's own client: what is measured is what the server does, from the
request to the last byte of the answer, database included.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

import typer

from bench.errors import Failed
from tradepost.config import environment
from tradepost.up.postgres import Postgres

ORDERS = 1_000_000
SERVICES = 10_000
ACCOUNTS = 10_000
HEAVY_ORDERS = 50_000  # of one account, which is the one that looks
MS_MAX = 100
PERCENTILE = 95

PAGES = {
    "overview": "/dashboard/",
    "new order": "/orders/new/?service=5000",
    "services found by typing": "/orders/new/services/?q=likes+77",
    "mass order": "/orders/mass/",
    "orders": "/orders/",
    "orders, deep": "/orders/?before=500000",
    "orders, one status": "/orders/?status=In+progress",
    "orders, by link": "/orders/?q=page/4242",
    "order": "/orders/{order}/",
    "drip-feeds": "/orders/drip-feeds/",
    "subscriptions": "/orders/subscriptions/",
    "refills": "/orders/refills/",
    "services": "/services/",
    "services, searched": "/services/?q=premium",
    "what changed": "/services/changes/",
    "money": "/money/",
    "money, one kind": "/money/?kind=top-up",
    "add funds": "/money/add/",
    "API reference": "/api/",
    "console": "/api/console/",
    "keys": "/api/keys/",
    "settings": "/settings/",
}

SEED = f"""
INSERT INTO catalog_category (name, position) SELECT 'Category ' || n, n FROM generate_series(1, 100) n;
INSERT INTO catalog_service (category_id, position, name, rate, min, max, type, refill, cancel, average_time)
SELECT (SELECT min(id) FROM catalog_category) + n % 100, n,
       'Service ' || n || (ARRAY[' Likes', ' Premium', ' Views'])[1 + n % 3],
       (1 + n % 500) / 100.0, 10, 100000, 'Default', true, true, '2 hours'
FROM generate_series(1, {SERVICES}) n;
INSERT INTO accounts_account (email, password, name, is_active, is_staff, is_superuser)
SELECT 'customer' || n || '@bench.example', '!', '', true, false, false FROM generate_series(1, {ACCOUNTS}) n;
UPDATE ledger_account SET balance = 1000000 WHERE account_id IS NOT NULL;
INSERT INTO orders_order (account_id, service_id, mode, link, quantity, remains, rate, charge, status, created_at)
SELECT a.first + CASE WHEN n % ({ORDERS} / {HEAVY_ORDERS}) = 0 THEN 0 ELSE n % {ACCOUNTS} END,
       s.first + n % {SERVICES}, 'api',
       'https://example.com/page/' || n, 1000, CASE WHEN n % 50 = 0 THEN 400 ELSE 0 END, 0.9, 0.9,
       CASE WHEN n % 50 = 0 THEN 'In progress' WHEN n % 17 = 0 THEN 'Canceled' ELSE 'Completed' END,
       now() - ({ORDERS} - n) * interval '31 seconds'
FROM generate_series(1, {ORDERS}) n, (SELECT min(id) AS first FROM accounts_account) a,
     (SELECT min(id) AS first FROM catalog_service) s;
INSERT INTO ledger_transfer (debit_id, credit_id, amount, balance_after, kind, order_id, at, actor)
SELECT l.id, 1, o.charge, 1000000, 'charge', o.id, o.created_at, 'api'
FROM orders_order o JOIN ledger_account l ON l.account_id = o.account_id;
"""


def measure(*, times: int) -> None:
    """Seed a database, ask for every page so many times, and print a line a page. Raises `Failed` if one is slow."""
    with tempfile.TemporaryDirectory(prefix="tradepost-bench-", ignore_cleanup_errors=True) as home:
        for name in [name for name in os.environ if name == "DATABASE_URL" or name.startswith("TRADEPOST_")]:
            if name != "TRADEPOST_POSTGRES_BIN":
                del os.environ[name]
        os.environ["TRADEPOST_HOME"] = home
        postgres = Postgres(Path(home), environment.postgres_bin())
        postgres.start()
        try:
            os.environ["DATABASE_URL"] = postgres.url
            slow = _measure(times)
        finally:
            postgres.stop()
    if slow:
        raise Failed(f"over {MS_MAX} ms: {', '.join(slow)}")


def _measure(times: int) -> list[str]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
    import django  # noqa: PLC0415 - once the database is there

    django.setup()
    from django.test import Client  # noqa: PLC0415

    from tradepost.accounts.models import Account  # noqa: PLC0415
    from tradepost.orders.models import Order  # noqa: PLC0415

    _seed()
    client = Client(SERVER_NAME="127.0.0.1")
    account = Account.objects.order_by("id")[0]
    client.force_login(account)
    order = Order.objects.filter(account=account).latest("id").pk
    typer.echo(f"{'page':<28}{'median ms':>11}{'95% ms':>9}")
    slow = []
    for name, address in PAGES.items():
        took = _took(client, address.format(order=order), times)
        high = statistics.quantiles(took, n=100, method="inclusive")[PERCENTILE - 1]
        typer.echo(f"{name:<28}{statistics.median(took):>11.1f}{high:>9.1f}")
        slow += [name] if high > MS_MAX else []
    return slow


def _took(client: "object", address: str, times: int) -> list[float]:
    """Ask for a page, and return how many milliseconds each answer took, the first one's left out."""
    took = []
    for _ in range(times + 1):
        start = time.perf_counter_ns()
        response = client.get(address)  # type: ignore[attr-defined] # Django's, imported late
        took.append((time.perf_counter_ns() - start) / 1e6)
        if response.status_code != 200:  # noqa: PLR2004 - HTTP's
            raise Failed(f"{address} is answered {response.status_code}")
    return took[1:]


def _seed() -> None:
    from django.db import connection  # noqa: PLC0415

    from tradepost.up import migrations  # noqa: PLC0415

    migrations.apply()
    typer.echo(f"Seeding {ORDERS:,} orders, {SERVICES:,} services and {ACCOUNTS:,} accounts…", err=True)
    with connection.cursor() as cursor:
        cursor.execute(SEED)
        cursor.execute("ANALYZE")
