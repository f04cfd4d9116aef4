"""Reading: balances, the services on sale, and how orders stand, for many who ask at once.

One SELECT confirms the keys of the whole batch and brings their balances and the catalog's version; a second one
fetches the orders asked for, if there are any. Nothing is cached, so every answer is what the database says now.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from tradepost.engine import arrays, money, site_settings
from tradepost.engine import catalog as catalogs
from tradepost.engine.authentication import Asked, Holder, identify
from tradepost.engine.catalog import Listing
from tradepost.engine.errors import IncorrectOrder, InvalidKey, RefillNotFound, Refusal
from tradepost.engine.order_types import ID_MAX, wire_id, wire_ids
from tradepost.engine.statuses import Dispatch


class BalanceOf(Asked, frozen=True, kw_only=True):
    """Asks for the balance of a key's account; the answer is a `Decimal`."""


class ServicesFor(Asked, frozen=True, kw_only=True):
    """Asks what is on sale to a key's account, at its rates; the answer is a `Listing`."""


class StatusesOf(Asked, frozen=True, kw_only=True):
    """Asks how orders stand, by their ids as they were sent; the answer has a `Standing` or a refusal for each."""

    orders: Sequence[str]


class RefillsOf(Asked, frozen=True, kw_only=True):
    """Asks how refills stand, by their ids or their orders' as they were sent (of an order, the newest one's).

    The answer has a `RefillStanding` or a refusal for each, in the order they were sent.
    """

    ids: Sequence[str]
    by_order: bool = False


class NewestOf(Asked, frozen=True, kw_only=True):
    """Asks for the newest orders of a key's account, those below an id if given; the answer is a list of `Listed`.

    Runs and posts are not in it: their drip-feeds and subscriptions are, which name them.
    """

    limit: int
    before: int = ID_MAX


class Listed(msgspec.Struct, frozen=True):
    """An order in a list, as docs/protocol.md §3 shows it (extensions)."""

    order: int
    service: int
    link: str
    quantity: int
    status: str
    charge: str
    start_count: str
    remains: str
    created: str  # UTC, like 2026-11-22T14:30:00Z


class RefillStanding(msgspec.Struct, frozen=True):
    """How a refill stands."""

    refill: int
    status: str


class Standing(msgspec.Struct, frozen=True):
    """How an order stands, field by field as docs/protocol.md §2 shows it: `charge` is what it costs now, after refunds."""

    charge: str
    start_count: str
    status: str
    remains: str
    currency: str


class DripfeedStanding(Standing, frozen=True):
    """How a drip-feed stands: how many runs were made, and which orders they are."""

    runs: str
    orders: list[int]


class SubscriptionStanding(Standing, frozen=True):
    """How a subscription stands: how many posts were served, and by which orders; `expiry` is d/m/Y, or nothing."""

    posts: str
    expiry: str
    orders: list[int]


class Found(NamedTuple):
    """Orders as they are in the database, and what was made of those that are made of parts; both by id, as a text."""

    rows: dict[str, TupleRow]
    made: dict[str, list[int]]


type Request = BalanceOf | ServicesFor | StatusesOf | RefillsOf | NewestOf
type Standings = dict[str, Standing | Refusal]
type RefillStandings = list[RefillStanding | Refusal]
type Answer = Decimal | Listing | Standings | RefillStandings | list[Listed] | Refusal


# As texts, which is how they are told: a list of 100 has 400 of them.
_STANDINGS = """
SELECT id::text, account_id, (charge - refunded)::text, coalesce(start_count, 0)::text, status, remains::text,
       CASE WHEN parts IS NOT NULL THEN dispatch END, CASE WHEN parts IS NOT NULL THEN fields->>'expiry' END
FROM orders_order WHERE id = ANY(%s::bigint[])
"""

_PARTS = """
SELECT parent_id::text, array_agg(id ORDER BY part)
FROM orders_order WHERE parent_id = ANY(%s::bigint[]) GROUP BY parent_id
"""

_REFILLS = """
SELECT id::text, id, status FROM orders_refill WHERE account_id = %s AND id = ANY(%s::bigint[])
"""

_REFILLS_OF_ORDERS = """
SELECT DISTINCT ON (order_id) order_id::text, id, status
FROM orders_refill WHERE account_id = %s AND order_id = ANY(%s::bigint[]) ORDER BY order_id, id DESC
"""


_NEWEST = """
SELECT id, service_id, link, quantity, status, charge - refunded, start_count, remains,
       to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM orders_order WHERE account_id = %s AND id < %s AND parent_id IS NULL ORDER BY id DESC LIMIT %s
"""


def read(connection: Connection, requests: Sequence[Request]) -> list[Answer]:
    """Answer each request, in its order."""
    holders = identify(connection, requests)
    known = next(filter(None, holders), None)
    if known is None:
        return [InvalidKey() for _ in requests]
    currency = site_settings.at_version(connection, known.catalog_version).currency
    found = _find(connection, [request for request in requests if isinstance(request, StatusesOf)])
    return [
        InvalidKey() if holder is None else _answer(connection, request, holder, found, currency)
        for request, holder in zip(requests, holders, strict=True)
    ]


def _answer(connection: Connection, request: Request, holder: Holder, found: Found, currency: str) -> Answer:
    if isinstance(request, BalanceOf):
        return holder.balance
    if isinstance(request, StatusesOf):
        return _own(found, request, holder.account, currency)
    if isinstance(request, RefillsOf):
        return _refills(connection, request, holder.account)
    if isinstance(request, NewestOf):
        return _newest(connection, request, holder.account)
    catalog = catalogs.at_version(connection, holder.catalog_version)
    catalog.load_rates(connection, {holder.account})
    return catalog.listing(holder.account)


def _own(found: Found, request: StatusesOf, account: int, currency: str) -> Standings:
    """Tell how the orders stand that are the account's own; the others are refused as if they were not there."""
    standings: Standings = {}
    for sent in request.orders:
        row = found.rows.get(sent) or found.rows.get(str(wire_id(sent)))  # 7 may be sent as 007
        if row is None or row[1] != account:
            standings[sent] = IncorrectOrder()
        elif row[6]:
            standings[sent] = _made_of_parts(row, found, currency)
        else:
            standings[sent] = Standing(money.tidy(row[2]), row[3], row[4], row[5], currency)
    return standings


def _made_of_parts(row: TupleRow, found: Found, currency: str) -> Standing:
    id_, _, charge, start_count, status, remains, dispatch, expiry = row
    orders = found.made.get(id_, [])
    plain = money.tidy(charge), start_count, status, remains, currency
    if dispatch == Dispatch.RUNS:
        return DripfeedStanding(*plain, str(len(orders)), orders)
    return SubscriptionStanding(*plain, str(len(orders)), expiry or "", orders)


def _find(connection: Connection, requests: Sequence[StatusesOf]) -> Found:
    """Fetch the orders that are asked about, whosever they are."""
    ids = wire_ids(request.orders for request in requests)
    if not ids:
        return Found({}, {})
    rows = Cursor(connection).execute(_STANDINGS, [arrays.of_ids(ids)], prepare=True).fetchall()
    return Found({row[0]: row for row in rows}, _made(connection, [row[0] for row in rows if row[6]]))


def _made(connection: Connection, parents: Sequence[str]) -> dict[str, list[int]]:
    if not parents:
        return {}
    return dict(Cursor(connection).execute(_PARTS, [arrays.of_ids(parents)], prepare=True).fetchall())


def _refills(connection: Connection, request: RefillsOf, account: int) -> RefillStandings:
    ids = {sent: id_ for sent in request.ids if (id_ := wire_id(sent))}
    query = _REFILLS_OF_ORDERS if request.by_order else _REFILLS
    rows = Cursor(connection).execute(query, [account, arrays.of_numbers(ids.values())], prepare=True)
    found = {asked: RefillStanding(refill, status) for asked, refill, status in rows}
    return [found.get(str(ids.get(sent))) or RefillNotFound() for sent in request.ids]


def _newest(connection: Connection, request: NewestOf, account: int) -> list[Listed]:
    rows = Cursor(connection).execute(_NEWEST, [account, request.before, request.limit], prepare=True)
    return [
        Listed(id_, service, link, quantity, status, money.show(charge), str(start_count or 0), str(remains), created)
        for id_, service, link, quantity, status, charge, start_count, remains, created in rows
    ]
