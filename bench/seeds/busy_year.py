"""Fills an empty database with a year of a busy desk: orders, and their transfers, attempts, events and requests.

Some customers and services have far more orders than others: the second half as many as the first, the third a third
(Zipf's law). Indexes are dropped before a table is filled and created again afterwards.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import typer

SERVICES = 10_000
HEAVY_ORDERS = 50_000  # of one account, as which the panel is measured
PROVIDERS = 20
DAYS = 365
WAITING = 200  # unsure orders, and as many held ones

_CATALOG = f"""
INSERT INTO catalog_category (name, position) SELECT 'Category ' || n, n FROM generate_series(1, 100) n;
INSERT INTO catalog_service (category_id, position, name, rate, min, max, type, refill, cancel, average_time,
                             fulfilment)
SELECT (SELECT min(id) FROM catalog_category) + n % 100, n,
       'Service ' || n || (ARRAY[' Likes', ' Premium', ' Views'])[1 + n % 3],
       (1 + n % 500) / 100.0, 10, 100000, 'Default', true, true, '2 hours',
       CASE WHEN n % 5 < 3 THEN 'provider' ELSE 'manual' END
FROM generate_series(1, {SERVICES}) n;
INSERT INTO providers_provider (name, url, encrypted_key, currency, exchange_rate, requests_a_second, parallel_requests,
    supports_idempotency_keys, is_paused, price_rise_percent_max, last_error, sync_error, requests, failures,
    request_milliseconds, single_id_actions, unknown_refusals_max)
SELECT 'Provider ' || n, 'https://provider' || n || '.example/api/v2', '', 'USD', 1, 10, 4, false, true, 20, '', '',
       1000000, 1000, 300000000, '{{}}', 20
FROM generate_series(1, {PROVIDERS}) n;
INSERT INTO providers_providerservice (provider_id, upstream_id, name, type, category, rate, min, max, refill, cancel,
    dripfeed, description, average_time, is_delisted)
SELECT (SELECT min(id) FROM providers_provider) + n % {PROVIDERS}, n::text, 'Offer ' || n, 'Default', 'Theirs', 0.5, 10,
       100000, true, true, false, '', '', false
FROM generate_series(1, {SERVICES}) n;
INSERT INTO providers_route (service_id, provider_service_id, position, is_active, multiplier, overflow_percent,
    follows, markup_percent, rate_decimals)
SELECT s.id, p.id, 1, true, 1, 0, '{{}}', 0, 4
FROM catalog_service s, providers_providerservice p
WHERE s.fulfilment = 'provider' AND p.upstream_id = s.position::text;
"""

_ACCOUNTS = """
INSERT INTO accounts_account (email, password, name, is_active, is_staff, is_superuser, created_at)
SELECT 'customer' || n || '@bench.example', '!', '', true, false, false,
       now() - interval '1 second' * ((%(accounts)s - n) * 31536000.0 / %(accounts)s)
FROM generate_series(1, %(accounts)s) n;
UPDATE ledger_account SET balance = 1000000 WHERE account_id IS NOT NULL;
"""

# The first account has HEAVY_ORDERS; of the other accounts and of the services, the first have most.
_ORDERS = f"""
INSERT INTO orders_order (account_id, service_id, mode, link, quantity, remains, rate, charge, refunded, status,
                          dispatch, start_count, created_at, updated_at)
SELECT a.first + CASE WHEN n %% (%(orders)s / {HEAVY_ORDERS}) = 0 THEN 0
                      ELSE floor(power(%(accounts)s, random())) END,
       s.id, (ARRAY['api', 'api', 'api', 'web', 'mass'])[1 + n %% 5], 'https://example.com/page/' || n, 1000,
       CASE WHEN n %% 50 = 0 THEN 400 WHEN n %% 29 = 0 THEN 500 ELSE 0 END, 0.9, 0.9,
       CASE WHEN n %% 50 = 0 THEN 0 WHEN n %% 29 = 0 THEN 0.45 WHEN n %% 17 = 0 THEN 0.9 ELSE 0 END,
       CASE WHEN n %% 50 = 0 THEN 'In progress' WHEN n %% 29 = 0 THEN 'Partial' WHEN n %% 17 = 0 THEN 'Canceled'
            ELSE 'Completed' END,
       CASE WHEN s.position %% 5 < 3 THEN 'sent' ELSE 'none' END, 0, at, at + interval '2 hours'
FROM (SELECT n, now() - interval '1 second' * ({DAYS} * 86400.0 / %(orders)s * (%(orders)s - n)) AS at,
             floor(power({SERVICES}, random()))::int - 1 AS service
      FROM generate_series(1, %(orders)s) n OFFSET 0) AS placed
JOIN (SELECT min(id) AS first FROM accounts_account) a ON true
JOIN (SELECT min(id) AS first FROM catalog_service) f ON true
JOIN catalog_service s ON s.id = f.first + placed.service
ORDER BY n;
"""

_TRANSFERS = """
INSERT INTO ledger_transfer (debit_id, credit_id, amount, balance_after, kind, order_id, at, actor, note)
SELECT CASE WHEN kind = 'charge' THEN account ELSE house END, CASE WHEN kind = 'charge' THEN house ELSE account END,
       amount, 1000000, kind, order_id, at, 'bench', ''
FROM (
    SELECT l.id AS account, 1 AS house, o.charge AS amount, 'charge' AS kind, o.id AS order_id, o.created_at AS at
    FROM orders_order o JOIN ledger_account l ON l.account_id = o.account_id
    UNION ALL
    SELECT l.id, 1, o.refunded, CASE o.status WHEN 'Partial' THEN 'partial' ELSE 'cancel' END, o.id, o.updated_at
    FROM orders_order o JOIN ledger_account l ON l.account_id = o.account_id WHERE o.refunded > 0
    UNION ALL
    SELECT l.id, 2, 50, 'top-up', NULL, o.created_at
    FROM orders_order o JOIN ledger_account l ON l.account_id = o.account_id WHERE o.id % 50 = 1
) AS moved
ORDER BY at;
"""

_ATTEMPTS = """
INSERT INTO orders_attempt (order_id, account_id, number, provider_id, provider_service_id, state, upstream_id,
                            quantity, at, answered_at, cost, cost_expected, request, response)
SELECT o.id, o.account_id, 1, p.provider_id, p.id, 'sent', o.id::text, o.quantity, o.created_at,
       o.created_at + interval '1 second', CASE WHEN o.status <> 'In progress' THEN 0.45 END, 0.5,
       jsonb_build_object('service', p.upstream_id, 'link', o.link), '{"order":' || o.id || '}'
FROM orders_order o JOIN providers_route r ON r.service_id = o.service_id
JOIN providers_providerservice p ON p.id = r.provider_service_id
WHERE o.dispatch = 'sent' ORDER BY o.id;
INSERT INTO orders_upstreamorder (order_id, account_id, provider_id, route_id, state, upstream_id, quantity, sent_at)
SELECT o.id, o.account_id, p.provider_id, r.id, 'sent', o.id::text, o.quantity, o.created_at
FROM orders_order o JOIN providers_route r ON r.service_id = o.service_id
JOIN providers_providerservice p ON p.id = r.provider_service_id
WHERE o.dispatch = 'sent' AND o.status = 'In progress' ORDER BY o.id;
"""

_EVENTS = """
INSERT INTO orders_orderevent (order_id, account_id, at, actor, from_status, to_status, from_dispatch, to_dispatch,
                               note)
SELECT o.id, o.account_id, o.created_at + e.after * (1 + o.id % 7), e.actor, e.was, e.status, e.dispatch, e.dispatch_to,
       ''
FROM orders_order o CROSS JOIN LATERAL (
    SELECT interval '1 second' AS after, 'dispatch' AS actor, 'Pending' AS was, 'Pending' AS status,
           'queued' AS dispatch, 'sending' AS dispatch_to WHERE o.dispatch = 'sent'
    UNION ALL
    SELECT interval '1 second', 'dispatch', 'Pending', 'Pending', 'sending', 'sent' WHERE o.dispatch = 'sent'
    UNION ALL
    SELECT interval '3 minutes', 'provider', 'Pending', 'In progress', o.dispatch, o.dispatch
    UNION ALL
    SELECT interval '17 minutes', 'provider', 'In progress', o.status, o.dispatch, o.dispatch
    WHERE o.status <> 'In progress'
) AS e ORDER BY o.id;
"""

_REQUESTS = f"""
INSERT INTO orders_refill (order_id, account_id, status, created_at, updated_at)
SELECT id, account_id, CASE WHEN id % 5000 = 7 THEN 'Pending' ELSE 'Completed' END, updated_at, updated_at
FROM orders_order WHERE id % 100 = 7 AND status = 'Completed' ORDER BY id;
INSERT INTO orders_cancelrequest (order_id, account_id, state, created_at)
SELECT id, account_id, CASE WHEN status = 'In progress' THEN 'open' ELSE 'rejected' END, created_at
FROM orders_order WHERE id % 125 = 0 ORDER BY id;
UPDATE orders_upstreamorder u SET state = CASE WHEN u.order_id % 100 = 0 THEN 'unsure' ELSE 'refused' END
WHERE u.order_id IN (SELECT order_id FROM orders_upstreamorder ORDER BY order_id DESC LIMIT {2 * WAITING});
UPDATE orders_order o SET dispatch = u.state FROM orders_upstreamorder u
WHERE u.order_id = o.id AND u.state IN ('unsure', 'refused');
"""

# Orders since the totals were last brought up to date: every page must add them itself.
_JUST_NOW = """
WITH placed AS (
    INSERT INTO orders_order (account_id, service_id, mode, link, quantity, remains, rate, charge)
    SELECT account_id, service_id, mode, link, quantity, quantity, rate, charge
    FROM (SELECT * FROM orders_order ORDER BY id LIMIT 1000) AS again RETURNING *
), events AS (
    INSERT INTO orders_orderevent (order_id, account_id, actor, from_status, to_status, from_dispatch, to_dispatch)
    SELECT id, account_id, 'bench', 'Pending', 'In progress', 'none', 'none' FROM placed
)
INSERT INTO ledger_transfer (debit_id, credit_id, amount, balance_after, kind, order_id, actor, note)
SELECT l.id, 1, p.charge, 1000000, 'charge', p.id, 'bench', ''
FROM placed p JOIN ledger_account l ON l.account_id = p.account_id
"""

_SECONDARY = """
SELECT c.relname, t.relname, pg_get_indexdef(i.indexrelid),
       (SELECT 'ALTER TABLE ' || t.relname || ' ADD CONSTRAINT ' || n.conname || ' ' || pg_get_constraintdef(n.oid)
        FROM pg_constraint n WHERE n.conindid = i.indexrelid AND n.contype = 'u')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relname = ANY(%s) AND NOT i.indisprimary
"""


def seed(connection: psycopg.Connection, *, orders: int, accounts: int) -> None:
    """Fill an empty database, and print how long each step takes."""
    counts = {"orders": orders, "accounts": accounts}
    cursor = psycopg.ClientCursor(connection)
    cursor.execute("SELECT setseed(0.7)")
    cursor.execute("SET work_mem = '256MB'; SET maintenance_work_mem = '1GB'; SET synchronous_commit = off")
    with _step("catalog"):
        cursor.execute(_CATALOG)
    with _step("accounts"):
        cursor.execute(_ACCOUNTS, counts)
    cursor.execute("SET session_replication_role = replica")  # no triggers and no foreign key checks
    with _without_indexes(cursor, "orders_order"), _step("orders"):
        cursor.execute(_ORDERS, counts)
    cursor.execute("ANALYZE orders_order")
    with _without_indexes(cursor, "ledger_transfer", "orders_attempt", "orders_orderevent"):
        for name, statement in {"transfers": _TRANSFERS, "attempts": _ATTEMPTS, "events": _EVENTS}.items():
            with _step(name):
                cursor.execute(statement)
    with _step("refills and cancel requests"):
        cursor.execute(_REQUESTS)
    cursor.execute("SET session_replication_role = DEFAULT")
    connection.commit()
    connection.autocommit = True
    with _step("vacuum"):
        cursor.execute("VACUUM ANALYZE")


def add_just_now(connection: psycopg.Connection) -> None:
    """Add a thousand orders that the totals do not include yet."""
    connection.execute(_JUST_NOW)
    connection.commit()


@contextmanager
def _without_indexes(cursor: psycopg.ClientCursor[tuple[object, ...]], *tables: str) -> Iterator[None]:
    """Drop the indexes of tables, except primary keys, and create them again at the end."""
    cursor.execute(_SECONDARY, [list(tables)])
    indexes = cursor.fetchall()
    for index, table, _, constraint in indexes:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {index}" if constraint else f"DROP INDEX {index}")
    yield
    with _step(f"indexes of {', '.join(tables)}"):
        for _, _, definition, constraint in indexes:
            cursor.execute(str(constraint or definition))


@contextmanager
def _step(name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    typer.echo(f"  {name}: {time.monotonic() - start:.0f} s", err=True)
