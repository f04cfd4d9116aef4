"""Who asks: the keys and accounts of a batch, looked up in one statement.

Nothing is cached, so a revoked key and a suspended account are refused at once.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, site_settings
from tradepost.engine.buyers import BuyerId
from tradepost.engine.keys import Scope, is_permitted


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What every request has: by whom it is made (the digest of a key, or the id of an account), and from where."""

    by: BuyerId
    address: str | None = None


class Holder(msgspec.Struct, frozen=True):
    """Whose key it is, what it may do, and what the same statement tells along. An account itself may do everything."""

    account: int
    balance: Decimal
    scope: str
    networks: list[str]
    catalog_version: int


_HOLDERS = """
SELECT k.digest AS asker, NULL::bigint AS account, a.id, l.balance, k.scope, k.networks, v.version
FROM catalog_catalogversion v, accounts_key k
JOIN accounts_account a ON a.id = k.account_id AND a.is_active
JOIN ledger_account l ON l.account_id = a.id
WHERE k.digest = ANY(%s::bytea[]) AND k.revoked_at IS NULL
"""

_ACCOUNTS = """
UNION ALL
SELECT NULL, a.id, a.id, l.balance, 'order', '{}', v.version
FROM catalog_catalogversion v, accounts_account a JOIN ledger_account l ON l.account_id = a.id
WHERE a.id = ANY(%s::bigint[]) AND a.is_active
"""

_NOTE_USED = """
WITH noted AS (
    UPDATE accounts_key SET last_used_at = now()
    WHERE digest = ANY(%(digests)s::bytea[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT digest, requests_a_minute FROM accounts_key WHERE digest = ANY(%(digests)s::bytea[])
"""


def identify(connection: Connection, requests: Sequence[Asked], *, to: Scope = Scope.READ) -> list[Holder | None]:
    """Return for each request who asks, or None if that key or account may not do this, or not from there."""
    accounts = {request.by for request in requests if isinstance(request.by, int)}
    query, parameters = _HOLDERS, [arrays.of_bytes({each.by for each in requests if isinstance(each.by, bytes)})]
    if accounts:  # apart, so that the API's statement stays as it is
        query, parameters = _HOLDERS + _ACCOUNTS, [*parameters, arrays.of_numbers(accounts)]
    rows = Cursor(connection).execute(query, parameters, prepare=True)
    holders: dict[BuyerId, Holder] = {row[0] if row[1] is None else row[1]: Holder(*row[2:]) for row in rows}
    return [_allowed(holders.get(request.by), request, to) for request in requests]


def _allowed(holder: Holder | None, request: Asked, to: Scope) -> Holder | None:
    if holder is None or not is_permitted(to, request.address, scope=holder.scope, networks=holder.networks):
        return None
    return holder


def note_used(connection: Connection, digests: Sequence[bytes]) -> list[int | None]:
    """Write down that these keys are in use, and return how many requests a minute each may make.

    That is None for keys without a limit of their own, and for unknown ones. Rows that say already, to the minute,
    that they are in use are left alone. Along with it the desk's own settings are read, and with them its default.
    """
    site_settings.read(connection)
    rows = Cursor(connection).execute(_NOTE_USED, {"digests": arrays.of_bytes(digests)}, prepare=True)
    limits: dict[bytes, int | None] = dict(rows.fetchall())
    return [limits.get(digest) for digest in digests]
