"""Safe retries: if a client repeats an order, it gets the first answer again, and no second order is placed.

There are two rules. A client can send an *idempotency key* with an order: the key is unique for an account, kept for 30
days, and refused with other parameters. An account can have a *duplicate window*: within that many seconds, the same
service, link and quantity count as the same order. Both are checked while the account is locked, so two requests at the
same moment place one order.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays
from tradepost.engine.order_types import Parameters

KEPT = timedelta(days=30)
KEY_CHARS_MAX = 255
NOT_PART_OF_THE_ORDER = frozenset({"action", "idempotency_key", "request_id"})


class KeyedOrder(msgspec.Struct, frozen=True):
    """An order placed with an idempotency key. `fingerprint` is the hash of its parameters."""

    account: int
    key: str
    fingerprint: bytes
    order: int
    charge: Decimal


class DuplicateTraits(msgspec.Struct, frozen=True):
    """The values that two duplicate orders share."""

    account: int
    service: int
    link: str
    quantity: int


_KEYED = """
SELECT n.account_id, n.key, n.fingerprint, n.order_id, o.charge
FROM orders_idempotencykey n JOIN orders_order o ON o.id = n.order_id
JOIN unnest(%s::bigint[], %s::text[]) AS asked (account_id, key)
  ON asked.account_id = n.account_id AND asked.key = n.key
"""

_SAVE = """
INSERT INTO orders_idempotencykey (account_id, key, fingerprint, order_id)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bigint[])
"""

_DUPLICATES = """
SELECT DISTINCT ON (o.account_id, o.service_id, o.link, o.quantity)
       o.account_id, o.service_id, o.link, o.quantity, o.id, o.charge
FROM orders_order o
JOIN unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
  AS new (account_id, service_id, link, quantity, window_seconds)
  ON o.account_id = new.account_id AND o.service_id = new.service_id AND md5(o.link) = md5(new.link)
 AND o.link = new.link AND o.quantity = new.quantity
WHERE o.in_duplicate_window AND o.created_at > now() - make_interval(secs => new.window_seconds)
ORDER BY o.account_id, o.service_id, o.link, o.quantity, o.id
"""

_DELETE_EXPIRED = "DELETE FROM orders_idempotencykey WHERE created_at < now() - %s"


def fingerprint(parameters: Parameters) -> bytes:
    """Return a hash of an order's parameters, 32 bytes. Their sequence does not matter."""
    told = sorted((name, value) for name, value in parameters.items() if name not in NOT_PART_OF_THE_ORDER)
    return hashlib.sha256(msgspec.json.encode(told)).digest()


def find_keyed_orders(connection: Connection, asked: Sequence[tuple[int, str]]) -> dict[tuple[int, str], KeyedOrder]:
    """Return the existing orders for these pairs of account and key."""
    if not asked:
        return {}
    accounts, keys = zip(*asked, strict=True)
    rows = Cursor(connection).execute(_KEYED, [arrays.of_numbers(accounts), arrays.of_texts(keys)], prepare=True)
    return {(row[0], row[1]): KeyedOrder(*row) for row in rows}


def save_keys(connection: Connection, names: Sequence[KeyedOrder]) -> None:
    """Save the keys of new orders. A unique constraint refuses a second order with the same key."""
    if names:
        columns = [
            arrays.of_numbers(name.account for name in names),
            arrays.of_texts(name.key for name in names),
            arrays.of_bytes(name.fingerprint for name in names),
            arrays.of_numbers(name.order for name in names),
        ]
        Cursor(connection).execute(_SAVE, columns, prepare=True)


def find_duplicates(
    connection: Connection, asked: Iterable[tuple[DuplicateTraits, int]]
) -> dict[DuplicateTraits, tuple[int, Decimal]]:
    """Return the id and charge of the first order with the same traits within the window, given in seconds."""
    wanted = list(asked)
    if not wanted:
        return {}
    columns = [
        arrays.of_numbers(same.account for same, _ in wanted),
        arrays.of_numbers(same.service for same, _ in wanted),
        arrays.of_texts(same.link for same, _ in wanted),
        arrays.of_numbers(same.quantity for same, _ in wanted),
        arrays.of_numbers(seconds for _, seconds in wanted),
    ]
    return {
        DuplicateTraits(*row[:4]): row[4:] for row in Cursor(connection).execute(_DUPLICATES, columns, prepare=True)
    }


def delete_expired_keys(connection: Connection) -> int:
    """Delete the keys older than 30 days; return how many."""
    return Cursor(connection).execute(_DELETE_EXPIRED, [KEPT]).rowcount
