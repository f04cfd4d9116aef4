"""Reading: balances, the services on sale, and how orders stand, for many who ask at once.

One SELECT confirms the keys of the whole batch and brings their balances and the catalog's version; a second one
fetches the orders asked for, if there are any. Nothing is cached, so every answer is what the database says now.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, money
from tradepost.engine import catalog as catalogs
from tradepost.engine.catalog import Listing
from tradepost.engine.errors import IncorrectOrder, InvalidKey, Refusal
from tradepost.engine.keys import may_come_from
from tradepost.engine.order_types import whole

ID_MAX = 2**63 - 1


class BalanceOf(msgspec.Struct, frozen=True):
    """Asks for the balance of a key's account; the answer is a `Decimal`."""

    key: bytes
    address: str | None = None


class ServicesFor(msgspec.Struct, frozen=True):
    """Asks what is on sale to a key's account, at its rates; the answer is a `Listing`."""

    key: bytes
    address: str | None = None


class StatusesOf(msgspec.Struct, frozen=True):
    """Asks how orders stand, by their ids as they were sent; the answer has a `Standing` or a refusal for each."""

    key: bytes
    orders: Sequence[str]
    address: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """How an order stands, as protocol §2 shows it: `charge` is what it costs now, after refunds."""

    charge: str
    start_count: str
    status: str
    remains: str


type Request = BalanceOf | ServicesFor | StatusesOf
type Standings = dict[str, Standing | Refusal]
type Answer = Decimal | Listing | Standings | Refusal


class _Reader(msgspec.Struct, frozen=True):
    account: int
    balance: Decimal
    networks: list[str]
    catalog_version: int


_READERS = """
SELECT k.digest, a.id, l.balance, k.networks, v.version
FROM catalog_catalogversion v, accounts_key k
JOIN accounts_account a ON a.id = k.account_id AND a.is_active
JOIN ledger_account l ON l.account_id = a.id
WHERE k.digest = ANY(%s::bytea[]) AND k.revoked_at IS NULL
"""

_STANDINGS = """
SELECT id, account_id, charge - refunded, start_count, status, remains FROM orders_order WHERE id = ANY(%s::bigint[])
"""


def read(connection: Connection, requests: Sequence[Request]) -> list[Answer]:
    """Answer each request, in its order."""
    digests = arrays.of_bytes({request.key for request in requests})
    readers = {row[0]: _Reader(*row[1:]) for row in Cursor(connection).execute(_READERS, [digests], prepare=True)}
    allowed = [
        reader if (reader := readers.get(request.key)) and may_come_from(reader.networks, request.address) else None
        for request in requests
    ]
    standings = _standings(connection, [request for request in requests if isinstance(request, StatusesOf)])
    return [
        InvalidKey() if reader is None else _answer(connection, request, reader, standings)
        for request, reader in zip(requests, allowed, strict=True)
    ]


def _answer(
    connection: Connection, request: Request, reader: _Reader, standings: dict[int, tuple[int, Standing]]
) -> Answer:
    if isinstance(request, BalanceOf):
        return reader.balance
    if isinstance(request, StatusesOf):
        return {sent: _own(standings, sent, reader.account) for sent in request.orders}
    catalog = catalogs.at_version(connection, reader.catalog_version)
    catalog.load_rates(connection, {reader.account})
    return catalog.listing(reader.account)


def _own(standings: dict[int, tuple[int, Standing]], sent: str, account: int) -> Standing | Refusal:
    order = _order_id(sent)
    owner, standing = standings.get(order, (None, None)) if order else (None, None)
    return standing if standing and owner == account else IncorrectOrder()


def _order_id(sent: str) -> int | None:
    number = whole(sent)
    return number if number is not None and 0 < number <= ID_MAX else None


def _standings(connection: Connection, requests: Sequence[StatusesOf]) -> dict[int, tuple[int, Standing]]:
    ids = {order for request in requests for sent in request.orders if (order := _order_id(sent))}
    if not ids:
        return {}
    return {
        id_: (account, Standing(money.show(charge), str(start_count or 0), status, str(remains)))
        for id_, account, charge, start_count, status, remains in Cursor(connection).execute(
            _STANDINGS, [arrays.of_numbers(ids)], prepare=True
        )
    }
