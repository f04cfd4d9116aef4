"""Placing orders: every way to order (API, web form, drip-feed run, operator) calls `place`.

1. Validate each request's parameters against the catalog that this process holds. Nothing is locked yet.
2. Look up the buyers and the catalog's version in one query, and lock the buyers' accounts in id order (`buyers`). If
   the catalog has changed, load it and repeat step 1.
3. Decide the requests in the sequence they came. Each gets a new order, the same answer as the first time
   (`idempotency`), or a refusal.
4. Write all orders in one statement and all charges in another. The customer pays here for all runs of a drip-feed and
   all posts of a subscription, whose orders are made later (`child_orders`).

The caller commits, and repeats the batch if the database reports a deadlock.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import (
    arrays,
    buyers,
    charges,
    dispatch_queue,
    idempotency,
    ledger,
    order_types,
    refused_keys,
    routing,
)
from tradepost.engine.buyers import Buyer, BuyerId
from tradepost.engine.catalog import Catalog, Service, cached_catalog, catalog_at
from tradepost.engine.dispatch_queue import QueuedOrder
from tradepost.engine.enums import TextEnum
from tradepost.engine.errors import (
    IdempotencyKeyReused,
    IncorrectParameter,
    IncorrectService,
    InvalidKey,
    LinkHasActiveOrder,
    NotEnoughFunds,
    Refusal,
)
from tradepost.engine.idempotency import DuplicateTraits, KeyedOrder
from tradepost.engine.ledger import Movement, SystemAccount, TransferKind
from tradepost.engine.money import ZERO
from tradepost.engine.order_types import RULES, Draft, Parameters, Quantity
from tradepost.engine.site_settings import settings_at
from tradepost.engine.statuses import ACTIVE, Dispatch, Status

_ENCODE = msgspec.json.Encoder().encode


class Mode(TextEnum):
    """The way in which an order was placed."""

    API = "api"
    WEB = "web"
    MASS = "mass"  # one of many lines of a web form
    DRIP = "drip"  # a run of a drip-feed
    POST = "post"  # a post of a subscription


class OrderRequest(msgspec.Struct, frozen=True):
    """A request for one order. `buyer` is the digest of a key, or the id of an account that has signed in."""

    buyer: BuyerId
    parameters: Parameters
    address: str | None = None  # the client's IP address, for keys that are bound to networks
    idempotency_key: str | None = None


class Placed(msgspec.Struct, frozen=True):
    """A written order and its charge. If a request is repeated, this is the first request's order."""

    order: int
    charge: Decimal


class _Order(msgspec.Struct):
    """An order to write. Its id is 0 until it is written."""

    buyer: Buyer
    service: Service
    draft: Draft
    rate: Decimal
    charge: Decimal
    id: int = 0

    @property
    def status(self) -> Status:
        """The order's first status."""
        return Status.ACTIVE if RULES[self.service.type].quantity is Quantity.POSTS else Status.PENDING

    @property
    def dispatch(self) -> Dispatch:
        """The order's first dispatch. A drip-feed's runs get a dispatch of their own."""
        if self.draft.interval_minutes:
            return Dispatch.RUNS
        return routing.first_dispatch(
            self.service.fulfilment, is_play=self.buyer.account.is_play, has_route=self.service.route is not None
        )


type _Read = tuple[Service, Draft] | Refusal
type _Decision = _Order | Placed | Refusal

_TAKEN_LINKS = """
SELECT o.account_id, o.service_id, o.link
FROM orders_order o
JOIN unnest(%s::bigint[], %s::bigint[], %s::text[]) AS new (account_id, service_id, link)
  ON o.account_id = new.account_id AND o.service_id = new.service_id AND md5(o.link) = md5(new.link)
WHERE o.one_per_link AND o.status = ANY(%s)
"""

# ORDER BY makes PostgreSQL number the orders in the batch's sequence. PostgreSQL doesn't promise to return the ids in
# this sequence, so `_write` sorts them.
_WRITE = """
INSERT INTO orders_order (account_id, service_id, key_id, mode, link, quantity, remains, fields, rate, charge,
                          one_per_link, in_duplicate_window, status, dispatch, parts)
SELECT account_id, service_id, key_id, %s, link, quantity, quantity, fields::jsonb, rate, charge, one_per_link,
       in_duplicate_window, status, dispatch, parts
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::numeric[],
            %s::numeric[], %s::boolean[], %s::boolean[], %s::text[], %s::text[], %s::int[])
  WITH ORDINALITY
  AS new (account_id, service_id, key_id, link, quantity, fields, rate, charge, one_per_link,
          in_duplicate_window, status, dispatch, parts, number)
ORDER BY number
RETURNING id
"""

_SCHEDULE = """
INSERT INTO orders_dripfeed (order_id, interval_minutes, due_at)
SELECT order_id, interval_minutes, now() FROM unnest(%s::bigint[], %s::int[]) AS new (order_id, interval_minutes)
"""


def place(
    connection: Connection, requests: Sequence[OrderRequest], *, mode: Mode, actor: str = ""
) -> list[Placed | Refusal]:
    """Return the placed order or the refusal for each request, in the sequence of `requests`.

    A refused request does not affect the other requests. Placed orders are durable once the caller has committed. The
    charges are recorded under `actor`, or under `mode` if `actor` is empty.
    """
    catalog = cached_catalog(connection)
    reads = [_read(catalog, request) for request in requests]
    version, known_buyers = buyers.lock(connection, {request.buyer for request in requests})
    if version is not None:
        settings_at(connection, version)  # a server that only places orders notices changed limits only here
    if version is not None and version != catalog.version:
        catalog = catalog_at(connection, version)
        reads = [_read(catalog, request) for request in requests]
    catalog.load_rates(connection, {buyer.account.account for buyer in known_buyers.values()})
    asks = [
        _PreparedRequest(request, read, known_buyers.get(request.buyer))
        for request, read in zip(requests, reads, strict=True)
    ]
    batch = _Batch(connection, catalog, asks)
    decisions = [batch.decide(ask) for ask in asks]
    batch.write(mode, actor or mode.value)
    return [Placed(each.id, each.charge) if isinstance(each, _Order) else each for each in decisions]


def _read(catalog: Catalog, request: OrderRequest) -> _Read:
    service = catalog.service(request.parameters.get("service", ""))
    if service is None:
        return IncorrectService()
    try:
        return service, order_types.parse_order(service.terms, request.parameters)
    except Refusal as refusal:
        return refusal


class _PreparedRequest(msgspec.Struct, frozen=True):
    """A request with its validated parameters (or refusal) and its buyer."""

    request: OrderRequest
    read: _Read
    buyer: Buyer | None

    @property
    def name(self) -> tuple[int, str] | None:
        """Account and idempotency key, if the request has a key."""
        key = self.request.idempotency_key
        return (self.buyer.account.account, key) if self.buyer and key else None

    @property
    def watched_link(self) -> tuple[int, int, str] | None:
        """Account, service and link, if the service allows only one active order per link."""
        if self.buyer is None or isinstance(self.read, Refusal) or not self.read[0].one_order_per_link:
            return None
        return self.buyer.account.account, self.read[0].id, self.read[1].link

    @property
    def same(self) -> DuplicateTraits | None:
        """The traits that a duplicate would share, if the account has a duplicate window."""
        if self.buyer is None or isinstance(self.read, Refusal) or not self.buyer.duplicate_window_seconds:
            return None
        service, draft = self.read
        return DuplicateTraits(self.buyer.account.account, service.id, draft.link, draft.quantity)


class _Batch:
    """Decides requests one by one, from the database and from the decisions on earlier requests of the batch."""

    def __init__(self, connection: Connection, catalog: Catalog, asks: Sequence[_PreparedRequest]) -> None:
        self._connection = connection
        self._catalog = catalog
        self._orders: list[_Order] = []
        self._spent: dict[int, Decimal] = {}  # by ledger account
        self._taken = _taken_links(connection, [link for ask in asks if (link := ask.watched_link)])
        named = idempotency.find_keyed_orders(connection, [name for ask in asks if (name := ask.name)])
        self._named: dict[tuple[int, str], tuple[bytes, _Order | Placed]] = {
            name: (known.fingerprint, Placed(known.order, known.charge)) for name, known in named.items()
        }
        self._new_names: list[tuple[tuple[int, str], bytes, _Order | Placed]] = []
        windows = [(same, ask.buyer.duplicate_window_seconds) for ask in asks if ask.buyer and (same := ask.same)]
        self._same: dict[DuplicateTraits, _Order | Placed] = {
            same: Placed(*found) for same, found in idempotency.find_duplicates(connection, windows).items()
        }

    def decide(self, ask: _PreparedRequest) -> _Decision:
        """Decide one request without writing an order; `write` does."""
        if ask.buyer is None or not ask.buyer.may_order(ask.request.address):
            if isinstance(ask.request.buyer, bytes):
                refused_keys.note(ask.request.buyer, ask.request.address)
            return InvalidKey()
        name = ask.name
        if name is None:
            return self._order(ask, ask.buyer)
        if len(name[1]) > idempotency.KEY_CHARS_MAX:
            return IncorrectParameter("idempotency_key")
        told = idempotency.fingerprint(ask.request.parameters)
        if name in self._named:
            first, answer = self._named[name]
            return answer if first == told else IdempotencyKeyReused()
        decision = self._order(ask, ask.buyer)
        if not isinstance(decision, Refusal):
            self._named[name] = told, decision
            self._new_names.append((name, told, decision))
        return decision

    def _order(self, ask: _PreparedRequest, buyer: Buyer) -> _Decision:
        if isinstance(ask.read, Refusal):
            return ask.read
        same = ask.same
        if same in self._same:
            return self._same[same]
        service, draft = ask.read
        account = buyer.account
        rate = self._catalog.rate(account.account, service)
        charge = charges.charge(service, rate, draft.quantity)
        spent = self._spent.get(account.id, ZERO) + charge
        link = ask.watched_link
        if link in self._taken:
            return LinkHasActiveOrder()
        if not account.can_pay(spent):
            return NotEnoughFunds()
        self._spent[account.id] = spent
        order = _Order(buyer, service, draft, rate, charge)
        self._orders.append(order)
        if link:
            self._taken.add(link)
        if same:
            self._same[same] = order
        return order

    def write(self, mode: Mode, actor: str) -> None:
        """Write the new orders, their charges and their idempotency keys."""
        if self._orders:
            _write(self._connection, self._orders, mode, actor=actor)
        names = [
            KeyedOrder(account, key, told, order.id if isinstance(order, _Order) else order.order, order.charge)
            for (account, key), told, order in self._new_names
        ]
        idempotency.save_keys(self._connection, names)


def _taken_links(connection: Connection, asked: Sequence[tuple[int, int, str]]) -> set[tuple[int, int, str]]:
    if not asked:
        return set()
    accounts, services, links = zip(*asked, strict=True)
    columns = [arrays.of_numbers(accounts), arrays.of_numbers(services), arrays.of_texts(links)]
    return set(Cursor(connection).execute(_TAKEN_LINKS, [*columns, list(ACTIVE)]))


def _write(connection: Connection, orders: Sequence[_Order], mode: Mode, *, actor: str) -> None:
    columns = [
        arrays.of_numbers([order.buyer.account.account for order in orders]),
        arrays.of_numbers([order.service.id for order in orders]),
        arrays.of_numbers([order.buyer.key for order in orders]),
        arrays.of_texts([order.draft.link for order in orders]),
        arrays.of_numbers([order.draft.quantity for order in orders]),
        arrays.of_texts([_ENCODE(fields).decode() if (fields := order.draft.fields) else None for order in orders]),
        arrays.of_numbers([order.rate for order in orders]),
        arrays.of_numbers([order.charge for order in orders]),
        arrays.of_flags([order.service.one_order_per_link for order in orders]),
        arrays.of_flags([order.buyer.duplicate_window_seconds > 0 for order in orders]),
        arrays.of_texts([order.status for order in orders]),
        arrays.of_texts([order.dispatch for order in orders]),
        arrays.of_numbers([order.draft.parts for order in orders]),
    ]
    ids = sorted(Cursor(connection).execute(_WRITE, [mode.value, *columns], prepare=True))
    for order, (id_,) in zip(orders, ids, strict=True):
        order.id = id_
    _schedule(connection, [order for order in orders if order.draft.interval_minutes])
    queued = [order for order in orders if order.dispatch is Dispatch.QUEUED]
    dispatch_queue.queue(
        connection,
        [
            QueuedOrder(order.id, order.buyer.account.account, route.provider, route.id)
            for order in queued
            if (route := order.service.route)
        ],
    )
    movements = [
        Movement(order.buyer.account, SystemAccount.SALES, -order.charge, TransferKind.CHARGE, order.id)
        for order in orders
        if order.charge
    ]
    ledger.post(connection, movements, actor=actor)


def _schedule(connection: Connection, dripfeeds: Sequence[_Order]) -> None:
    """Schedule the first run of these drip-feeds for now; `drip_feeds` makes the runs that are due."""
    if dripfeeds:
        columns = [
            arrays.of_numbers(order.id for order in dripfeeds),
            arrays.of_numbers(order.draft.interval_minutes for order in dripfeeds),
        ]
        Cursor(connection).execute(_SCHEDULE, columns, prepare=True)
