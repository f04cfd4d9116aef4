"""Authenticate requests: look up the keys and accounts of a batch in one statement.

Nothing is cached, so revoked keys and suspended accounts are refused at once.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, refused_keys
from tradepost.engine.buyers import BuyerId
from tradepost.engine.keys import Scope, is_permitted
from tradepost.engine.site_settings import read_settings


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The part that all requests share: `by` (the digest of a key, or an account's id) and the client's IP address."""

    by: BuyerId
    address: str | None = None


class Caller(msgspec.Struct, frozen=True):
    """The account that makes a request, and what its key may do. Without a key, an account may do everything."""

    account: int
    balance: Decimal
    scope: str
    networks: list[str]
    catalog_version: int


_KEYS = """
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

_RECORD_USE = """
WITH noted AS (
    UPDATE accounts_key SET last_used_at = now()
    WHERE digest = ANY(%(digests)s::bytea[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT digest, requests_a_minute FROM accounts_key WHERE digest = ANY(%(digests)s::bytea[])
"""


def identify(connection: Connection, requests: Sequence[Request], *, to: Scope = Scope.READ) -> list[Caller | None]:
    """Return the caller of each request; None if the key or account is unknown, or not allowed this from there."""
    accounts = {request.by for request in requests if isinstance(request.by, int)}
    query, parameters = _KEYS, [arrays.of_bytes({each.by for each in requests if isinstance(each.by, bytes)})]
    if accounts:  # added only if needed, so that the API's statement stays the same
        query, parameters = _KEYS + _ACCOUNTS, [*parameters, arrays.of_numbers(accounts)]
    rows = Cursor(connection).execute(query, parameters, prepare=True)
    callers: dict[BuyerId, Caller] = {row[0] if row[1] is None else row[1]: Caller(*row[2:]) for row in rows}
    return [_allowed(callers.get(request.by), request, to) for request in requests]


def _allowed(caller: Caller | None, request: Request, to: Scope) -> Caller | None:
    if caller is None or not is_permitted(to, request.address, scope=caller.scope, networks=caller.networks):
        if isinstance(request.by, bytes):
            refused_keys.note(request.by, request.address)
        return None
    return caller


def record_key_use(connection: Connection, digests: Sequence[bytes]) -> list[int | None]:
    """Record the use of these keys; return the limit of each, in requests a minute.

    The limit is None if the key is unknown or has no limit of its own. Each key's row is written at most once a minute.
    This also reads the desk's settings, which contain the default limit, and records the keys refused lately.
    """
    read_settings(connection)
    refused_keys.record(connection)
    rows = Cursor(connection).execute(_RECORD_USE, {"digests": arrays.of_bytes(digests)}, prepare=True)
    limits: dict[bytes, int | None] = dict(rows.fetchall())
    return [limits.get(digest) for digest in digests]
