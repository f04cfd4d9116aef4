"""Who asks: the keys of a batch, looked up in one statement. Nothing is cached, so a revoked key is refused at once."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays
from tradepost.engine.keys import Scope, may_come_from


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What every request by key has: the digest of the key, and where it came from."""

    key: bytes
    address: str | None = None


class Holder(msgspec.Struct, frozen=True):
    """Whose key it is, what it may do, and what the same statement tells along."""

    account: int
    balance: Decimal
    scope: str
    networks: list[str]
    catalog_version: int


_HOLDERS = """
SELECT k.digest, a.id, l.balance, k.scope, k.networks, v.version
FROM catalog_catalogversion v, accounts_key k
JOIN accounts_account a ON a.id = k.account_id AND a.is_active
JOIN ledger_account l ON l.account_id = a.id
WHERE k.digest = ANY(%s::bytea[]) AND k.revoked_at IS NULL
"""

_NOTE_USED = """
WITH noted AS (
    UPDATE accounts_key SET last_used_at = now()
    WHERE digest = ANY(%(digests)s::bytea[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT digest, requests_a_minute FROM accounts_key WHERE digest = ANY(%(digests)s::bytea[])
"""


def identify(connection: Connection, requests: Sequence[Asked], *, to: Scope = Scope.READ) -> list[Holder | None]:
    """Return for each request the holder of its key, or None if the key may not be used for this, or from there."""
    digests = arrays.of_bytes({request.key for request in requests})
    rows = Cursor(connection).execute(_HOLDERS, [digests], prepare=True)
    holders = {row[0]: Holder(*row[1:]) for row in rows}
    return [_allowed(holders.get(request.key), request, to) for request in requests]


def _allowed(holder: Holder | None, request: Asked, to: Scope) -> Holder | None:
    if holder is None or not may_come_from(holder.networks, request.address):
        return None
    return holder if to == Scope.READ or holder.scope == Scope.ORDER else None


def note_used(connection: Connection, digests: Sequence[bytes]) -> list[int | None]:
    """Write down that these keys are in use, and return how many requests a minute each may make.

    That is None for keys without a limit of their own, and for unknown ones. Rows that say already, to the minute,
    that they are in use are left alone.
    """
    rows = Cursor(connection).execute(_NOTE_USED, {"digests": arrays.of_bytes(digests)}, prepare=True)
    limits: dict[bytes, int | None] = dict(rows.fetchall())
    return [limits.get(digest) for digest in digests]
