"""Queries of the API: balances, services on sale, and the status of orders, for many callers at once.

One SELECT confirms the keys of the whole batch and returns their balances and the catalog's version. If the batch asks
about orders, a second SELECT fetches them. Neither is cached, so every answer is the database's current state.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from tradepost.engine import arrays, money
from tradepost.engine.authentication import Caller, Request, identify
from tradepost.engine.catalog import ServiceListing, catalog_at
from tradepost.engine.errors import IncorrectOrder, InvalidKey, RefillNotFound, Refusal
from tradepost.engine.order_types import ID_MAX, wire_id, wire_ids
from tradepost.engine.site_settings import settings_at
from tradepost.engine.statuses import Dispatch


class ListedOrder(msgspec.Struct, frozen=True):
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


class OrderStanding(msgspec.Struct, frozen=True):
    """How an order stands, with the fields of docs/protocol.md §2. `charge` is the charge less refunds."""

    charge: str
    start_count: str
    status: str
    remains: str
    currency: str


class DripfeedStanding(OrderStanding, frozen=True):
    """How a drip-feed stands: the number of runs made so far, and the order ids of these runs."""

    runs: str
    orders: list[int]


class SubscriptionStanding(OrderStanding, frozen=True):
    """How a subscription stands: the posts served so far and their order ids. `expiry` is d/m/Y or empty."""

    posts: str
    expiry: str
    orders: list[int]


type OrderStandings = dict[str, OrderStanding | Refusal]  # by order id as the caller sent the id
type RefillStandings = list[RefillStanding | Refusal]


class Batch(NamedTuple):
    """The data read once for all queries of a batch. `orders` and `parts` (child order ids) are by order id as text."""

    connection: Connection
    currency: str
    orders: dict[str, TupleRow]
    parts: dict[str, list[int]]


class Query[A](Request, frozen=True, kw_only=True):
    """A query whose answer is of type `A`."""

    def answer(self, batch: Batch, caller: Caller) -> A:
        """Return the answer for the caller, whose key must be confirmed."""
        raise NotImplementedError


class BalanceOf(Query[Decimal], frozen=True, kw_only=True):
    """Asks for the account's balance."""

    def answer(self, batch: Batch, caller: Caller) -> Decimal:  # noqa: ARG002 - the key's row has the balance
        return caller.balance


class ServicesFor(Query[ServiceListing], frozen=True, kw_only=True):
    """Asks for the services on sale to the account, at its rates."""

    def answer(self, batch: Batch, caller: Caller) -> ServiceListing:
        catalog = catalog_at(batch.connection, caller.catalog_version)
        catalog.load_rates(batch.connection, {caller.account})
        return catalog.listing(caller.account)


class StatusesOf(Query[OrderStandings], frozen=True, kw_only=True):
    """Asks how orders stand. `orders` are the ids as the caller sent them."""

    orders: Sequence[str]

    def answer(self, batch: Batch, caller: Caller) -> OrderStandings:
        """Return how the account's own orders stand. Refuse other accounts' orders like unknown ones."""
        standings: OrderStandings = {}
        for sent in self.orders:
            row = batch.orders.get(sent) or batch.orders.get(str(wire_id(sent)))  # 7 may be sent as 007
            if row is None or row[1] != caller.account:
                standings[sent] = IncorrectOrder()
            elif row[6]:
                standings[sent] = _parent_standing(row, batch)
            else:
                standings[sent] = OrderStanding(money.tidy(row[2]), row[3], row[4], row[5], batch.currency)
        return standings


class RefillsOf(Query[RefillStandings], frozen=True, kw_only=True):
    """Asks how refills stand. `ids` are refill ids as the caller sent them.

    If `by_order` is true, `ids` are order ids, and the order's newest refill is meant. The answers are in the sequence
    of `ids`.
    """

    ids: Sequence[str]
    by_order: bool = False

    def answer(self, batch: Batch, caller: Caller) -> RefillStandings:
        ids = {sent: id_ for sent in self.ids if (id_ := wire_id(sent))}
        sql = _REFILLS_OF_ORDERS if self.by_order else _REFILLS
        rows = Cursor(batch.connection).execute(sql, [caller.account, arrays.of_numbers(ids.values())], prepare=True)
        standings = {id_: RefillStanding(refill, status) for id_, refill, status in rows}
        return [standings.get(str(ids.get(sent))) or RefillNotFound() for sent in self.ids]


class NewestOrdersOf(Query[list[ListedOrder]], frozen=True, kw_only=True):
    """Asks for the account's newest orders, or for the newest ones whose id is below `before`.

    Leave out runs and posts. Their drip-feeds and subscriptions are listed, and the status of these names them.
    """

    limit: int
    before: int = ID_MAX

    def answer(self, batch: Batch, caller: Caller) -> list[ListedOrder]:
        rows = Cursor(batch.connection).execute(_NEWEST, [caller.account, self.before, self.limit], prepare=True)
        return [
            ListedOrder(
                id_, service, link, quantity, status, money.show(charge), str(start_count or 0), str(remains), created
            )
            for id_, service, link, quantity, status, charge, start_count, remains, created in rows
        ]


# PostgreSQL returns texts because the API sends texts: an answer about 100 orders has 400 of them.
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


def answer_queries[A](connection: Connection, queries: Sequence[Query[A]]) -> list[A | Refusal]:
    """Return the answer to each query, in the sequence of `queries`; `InvalidKey` if its key is not confirmed."""
    callers = identify(connection, queries)
    confirmed = next(filter(None, callers), None)
    if confirmed is None:
        return [InvalidKey() for _ in queries]
    batch = _look_up(connection, queries, confirmed.catalog_version)
    return [
        InvalidKey() if caller is None else query.answer(batch, caller)
        for query, caller in zip(queries, callers, strict=True)
    ]


def _look_up(connection: Connection, queries: Sequence[Query[object]], catalog_version: int) -> Batch:
    """Fetch every order that the batch asks about, of any account, and the ids of its child orders."""
    currency = settings_at(connection, catalog_version).currency
    ids = wire_ids(query.orders for query in queries if isinstance(query, StatusesOf))
    if not ids:
        return Batch(connection, currency, {}, {})
    rows = Cursor(connection).execute(_STANDINGS, [arrays.of_ids(ids)], prepare=True).fetchall()
    parts = _parts(connection, [row[0] for row in rows if row[6]])
    return Batch(connection, currency, {row[0]: row for row in rows}, parts)


def _parts(connection: Connection, parents: Sequence[str]) -> dict[str, list[int]]:
    if not parents:
        return {}
    return dict(Cursor(connection).execute(_PARTS, [arrays.of_ids(parents)], prepare=True).fetchall())


def _parent_standing(row: TupleRow, batch: Batch) -> OrderStanding:
    id_, _, charge, start_count, status, remains, dispatch, expiry = row
    parts = batch.parts.get(id_, [])
    fields = money.tidy(charge), start_count, status, remains, batch.currency
    if dispatch == Dispatch.RUNS:
        return DripfeedStanding(*fields, str(len(parts)), parts)
    return SubscriptionStanding(*fields, str(len(parts)), expiry or "", parts)
