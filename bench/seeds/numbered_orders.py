"""Fills an empty database with customers, services and orders, by set operations: ten million orders in minutes.

Everything follows from the row numbers, which begin with 1: order n belongs to customer 1 + (n - 1) % owners, and all
orders cost the same, so the balance after each order is known. `tradepost check` finds the books clean.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import psycopg

BALANCE = Decimal("1000000.00")  # each customer's top-up
CHARGE = Decimal("0.09000")
QUANTITY = 100
KEY = "tp_live_bench"  # and the customer's number, so that Lua and SQL can compute every key
ACTIVE_ONE_IN = 50  # the other orders have ended

type Parameters = dict[str, object]


@dataclass(frozen=True)
class Size:
    """Counts of rows. The first `owners` customers have placed the orders, in turns."""

    customers: int
    services: int
    orders: int
    owners: int


@dataclass(frozen=True)
class Seeded:
    """The first ids; the others follow without gaps."""

    service: int
    order: int


_CUSTOMERS = """
INSERT INTO accounts_account (email, password, name, is_active, is_staff, is_superuser)
SELECT 'customer' || n || '@bench.example', '!', '', true, false, false
FROM generate_series(1, %(customers)s) AS n ORDER BY n
"""
_KEYS = """
INSERT INTO accounts_key (account_id, name, digest, prefix, scope, networks)
SELECT %(account)s + n - 1, '', sha256((%(key)s || n)::bytea), left(%(key)s || n, 12), 'order', '{}'
FROM generate_series(1, %(customers)s) AS n ORDER BY n
"""
_TOP_UPS = """
WITH topped AS (UPDATE ledger_account SET balance = %(balance)s WHERE balance IS NOT NULL)
INSERT INTO ledger_transfer (debit_id, credit_id, amount, balance_after, kind, at, actor, note)
SELECT 2, id, %(balance)s, %(balance)s, 'top-up', now() - %(orders)s * interval '3 seconds', 'bench', ''
FROM ledger_account WHERE balance IS NOT NULL ORDER BY id
"""
_SERVICES = """
INSERT INTO catalog_service (category_id, position, name, type, rate, min, max, refill, cancel, average_time)
SELECT (SELECT min(id) FROM catalog_category) + n %% 100, n,
       'Pixelpond ' || (ARRAY['Followers ', 'Likes ', 'Premium '])[1 + n %% 3] || n, 'Default', 0.90, 10, 10000, true,
       true, '2 hours'
FROM generate_series(1, %(services)s) AS n ORDER BY n
"""
_CATEGORIES = """
INSERT INTO catalog_category (name, position) SELECT 'Pixelpond ' || n, n FROM generate_series(1, 100) AS n ORDER BY n
"""
_ORDERS = """
INSERT INTO orders_order (id, account_id, service_id, key_id, mode, link, quantity, remains, rate, charge, status,
                          created_at)
SELECT n, %(account)s + (n - 1) %% %(owners)s, %(service)s + n %% %(services)s, %(first_key)s + (n - 1) %% %(owners)s,
       'api', 'https://pixelpond.example/o/' || n, %(quantity)s, CASE WHEN n %% %(active)s = 0 THEN 40 ELSE 0 END, 0.90,
       %(charge)s, CASE WHEN n %% %(active)s = 0 THEN 'In progress' ELSE 'Completed' END,
       %(now)s::timestamptz - (%(orders)s - n) * interval '3 seconds'
FROM generate_series(1, %(orders)s) AS n
"""
_CHARGES = """
INSERT INTO ledger_transfer (id, debit_id, credit_id, amount, balance_after, kind, order_id, at, actor, note)
SELECT %(customers)s + n, %(ledger)s + (n - 1) %% %(owners)s, 1, %(charge)s,
       %(balance)s - %(charge)s * (1 + (n - 1) / %(owners)s), 'charge', n,
       %(now)s::timestamptz - (%(orders)s - n) * interval '3 seconds', 'api', ''
FROM generate_series(1, %(orders)s) AS n
"""
_EVENTS = """
INSERT INTO orders_orderevent (order_id, account_id, at, actor, from_status, to_status, from_dispatch, to_dispatch)
SELECT n, %(account)s + (n - 1) %% %(owners)s, %(now)s::timestamptz - (%(orders)s - n) * interval '3 seconds',
       'simulator', 'Pending', 'Completed', 'none', 'none'
FROM generate_series(1, %(orders)s) AS n WHERE n %% %(active)s <> 0
"""
_BALANCES = """
UPDATE ledger_account SET balance = %(balance)s - %(charge)s * (
    %(orders)s / %(owners)s + CASE WHEN id - %(ledger)s < %(orders)s %% %(owners)s THEN 1 ELSE 0 END)
WHERE id BETWEEN %(ledger)s AND %(ledger)s + %(owners)s - 1
"""
_SEQUENCES = """
SELECT setval('orders_order_id_seq', %(orders)s), setval('ledger_transfer_id_seq', %(customers)s + %(orders)s)
"""

# The big tables, each filled by its own connection.
_BIG = {"orders_order": _ORDERS, "ledger_transfer": _CHARGES, "orders_orderevent": _EVENTS}
_CONNECTIONS = 2


def seed(url: str, size: Size) -> Seeded:
    """Fill a database that has only its schema."""
    with psycopg.connect(url, autocommit=True) as connection:
        numbers: Parameters = {
            "customers": size.customers, "services": size.services, "orders": size.orders, "owners": size.owners,
            "key": KEY, "balance": BALANCE, "charge": CHARGE, "quantity": QUANTITY, "active": ACTIVE_ONE_IN,
        }  # fmt: skip
        connection.execute(_CUSTOMERS, numbers)
        numbers |= {"account": _first(connection, "accounts_account"), "ledger": _first(connection, "ledger_account")}
        for statement in (_KEYS, _TOP_UPS, _CATEGORIES, _SERVICES):
            connection.execute(statement, numbers)
        numbers |= {"first_key": _first(connection, "accounts_key"), "service": _first(connection, "catalog_service")}
        if size.orders:
            _fill(url, connection, numbers)
        for table in ("accounts_account", "accounts_key", "catalog_service", "ledger_account"):
            connection.execute(f"VACUUM ANALYZE {table}")
        connection.execute("CHECKPOINT")
    return Seeded(int(str(numbers["service"])), 1)


def _first(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT min(id) FROM {table} WHERE id >= %s", [_LEDGER if "ledger" in table else 1])
    lowest = row.fetchone()
    assert lowest
    return int(lowest[0])


_LEDGER = 1_000  # the desk's own ledger accounts have ids below


def _fill(url: str, connection: psycopg.Connection, numbers: Parameters) -> None:
    row = connection.execute("SELECT now()").fetchone()
    assert row
    numbers = {**numbers, "now": row[0]}
    with _without_indexes(url, connection, list(_BIG)), ThreadPoolExecutor(_CONNECTIONS) as threads:
        done = [threads.submit(_run, url, [(statement, numbers)]) for statement in _BIG.values()]
        for filling in done:
            filling.result()
    connection.execute(_BALANCES, numbers)
    connection.execute(_SEQUENCES, numbers)
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        for vacuum in [threads.submit(_run, url, [(f"VACUUM ANALYZE {table}", None)]) for table in _BIG]:
            vacuum.result()


def _run(url: str, statements: Sequence[tuple[str, Parameters | None]]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        # The foreign keys are right by construction, and the checkpoint at the end makes all rows durable.
        connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        for statement, parameters in statements:
            connection.execute(statement, parameters)


@contextmanager
def _without_indexes(url: str, connection: psycopg.Connection, tables: Sequence[str]) -> Iterator[None]:
    """Drop all indexes but the primary keys, and create them again at the end: faster than updating them row by row."""
    rows = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary",
        [list(tables)],
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}")
    yield
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        for index in [threads.submit(_run, url, [(definition, None)]) for _, definition in rows]:
            index.result()
