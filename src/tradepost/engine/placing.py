"""Placing orders: every way to order (API, web form, drip-feed run, operator) comes through `place`.

1. Read each request's parameters against the catalog that this process holds. Nothing is locked yet.
2. Look the buyers up, which tells the catalog's version too, and lock their accounts in id order (`buying`). If the
   catalog has changed, load it and do step 1 again.
3. Decide each request in the order it came: an order, or its own refusal.
4. Write the orders and their charges, each set in one statement.

The caller commits, and repeats the batch if the database reports a deadlock.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, buying, ledger, order_types, pricing
from tradepost.engine import catalog as catalogs
from tradepost.engine.buying import Buyer, BuyerId
from tradepost.engine.catalog import Catalog, Service
from tradepost.engine.errors import (
    IncorrectService,
    InvalidKey,
    LinkHasActiveOrder,
    NotEnoughFunds,
    Refusal,
)
from tradepost.engine.ledger import Kind, Movement, SystemAccount
from tradepost.engine.order_types import Draft, Parameters
from tradepost.engine.statuses import ACTIVE
from tradepost.engine.words import Words

_ENCODE = msgspec.json.Encoder().encode


class Mode(Words):
    """The way an order came in."""

    API = "api"
    WEB = "web"


class Request(msgspec.Struct, frozen=True):
    """One order asked for. `buyer` is the digest of a key, or the id of an account that has signed in."""

    buyer: BuyerId
    parameters: Parameters
    address: str | None = None  # where it came from, for keys that are bound to networks


class Placed(msgspec.Struct, frozen=True):
    """An order that is written, and what it cost."""

    order: int
    charge: Decimal


class _Order(msgspec.Struct, frozen=True):
    position: int
    buyer: Buyer
    service: Service
    draft: Draft
    rate: Decimal
    charge: Decimal


type _Read = tuple[Service, Draft] | Refusal

_TAKEN_LINKS = """
SELECT o.account_id, o.service_id, o.link
FROM orders_order o
JOIN unnest(%s::bigint[], %s::bigint[], %s::text[]) AS new (account_id, service_id, link)
  ON o.account_id = new.account_id AND o.service_id = new.service_id AND md5(o.link) = md5(new.link)
WHERE o.one_per_link AND o.status = ANY(%s)
"""

_NEW_IDS = "SELECT nextval('orders_order_id_seq') FROM generate_series(1, %s)"

_WRITE = """
INSERT INTO orders_order (id, account_id, service_id, key_id, mode, link, quantity, remains, fields, rate, charge,
                          one_per_link)
SELECT id, account_id, service_id, key_id, %s, link, quantity, quantity, fields::jsonb, rate, charge, one_per_link
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[],
            %s::numeric[], %s::numeric[], %s::boolean[])
  AS new (id, account_id, service_id, key_id, link, quantity, fields, rate, charge, one_per_link)
"""


def place(connection: Connection, requests: Sequence[Request], *, mode: Mode) -> list[Placed | Refusal]:
    """Answer each request, in its order, with the order placed or with why it is refused.

    One bad request never spoils its batch; what is returned as placed is durable once the caller has committed.
    """
    catalog = catalogs.held(connection)
    reads = [_read(catalog, request) for request in requests]
    version, buyers = buying.lock(connection, {request.buyer for request in requests})
    if version is not None and version != catalog.version:
        catalog = catalogs.at_version(connection, version)
        reads = [_read(catalog, request) for request in requests]
    catalog.load_rates(connection, {buyer.account.account for buyer in buyers.values()})
    answers, orders = _decide(connection, catalog, requests, reads, buyers)
    if orders:
        _write(connection, orders, answers, mode)
    return answers


def _read(catalog: Catalog, request: Request) -> _Read:
    service = catalog.service(request.parameters.get("service", ""))
    if service is None:
        return IncorrectService()
    try:
        return service, order_types.read(service.terms, request.parameters)
    except Refusal as refusal:
        return refusal


def _decide(
    connection: Connection,
    catalog: Catalog,
    requests: Sequence[Request],
    reads: Sequence[_Read],
    buyers: dict[BuyerId, Buyer],
) -> tuple[list[Placed | Refusal], list[_Order]]:
    taken = _taken_links(connection, requests, reads, buyers)
    answers: list[Placed | Refusal] = []
    orders: list[_Order] = []
    spent: dict[int, Decimal] = {}
    for position, (request, read) in enumerate(zip(requests, reads, strict=True)):
        answer: Refusal
        buyer = buyers.get(request.buyer)
        if buyer is None or not buyer.may_order(request.address):
            answer = InvalidKey()
        elif isinstance(read, Refusal):
            answer = read
        else:
            service, draft = read
            account = buyer.account
            rate = catalog.rate(account.account, service)
            charge = pricing.charge(service, rate, draft.quantity)
            due = spent.get(account.id, 0) + charge
            if service.one_order_per_link and (account.account, service.id, draft.link) in taken:
                answer = LinkHasActiveOrder()
            elif not account.can_pay(due):
                answer = NotEnoughFunds()
            else:
                spent[account.id] = due
                if service.one_order_per_link:
                    taken.add((account.account, service.id, draft.link))
                orders.append(_Order(position, buyer, service, draft, rate, charge))
                answer = _UNWRITTEN
        answers.append(answer)
    return answers, orders


_UNWRITTEN = Refusal()  # keeps an order's place among the answers until it is written


def _taken_links(
    connection: Connection,
    requests: Sequence[Request],
    reads: Sequence[_Read],
    buyers: dict[BuyerId, Buyer],
) -> set[tuple[int, int, str]]:
    asked = [
        (buyer.account.account, read[0].id, read[1].link)
        for request, read in zip(requests, reads, strict=True)
        if not isinstance(read, Refusal) and read[0].one_order_per_link and (buyer := buyers.get(request.buyer))
    ]
    if not asked:
        return set()
    accounts, services, links = zip(*asked, strict=True)
    columns = [arrays.of_numbers(accounts), arrays.of_numbers(services), arrays.of_texts(links)]
    return set(Cursor(connection).execute(_TAKEN_LINKS, [*columns, list(ACTIVE)]))


def _write(connection: Connection, orders: list[_Order], answers: list[Placed | Refusal], mode: Mode) -> None:
    ids = [row[0] for row in Cursor(connection).execute(_NEW_IDS, [len(orders)], prepare=True)]
    columns = [
        arrays.of_numbers(ids),
        arrays.of_numbers([order.buyer.account.account for order in orders]),
        arrays.of_numbers([order.service.id for order in orders]),
        arrays.of_numbers([order.buyer.key for order in orders]),
        arrays.of_texts([order.draft.link for order in orders]),
        arrays.of_numbers([order.draft.quantity for order in orders]),
        arrays.of_texts([_ENCODE(fields).decode() if (fields := order.draft.fields) else None for order in orders]),
        arrays.of_numbers([order.rate for order in orders]),
        arrays.of_numbers([order.charge for order in orders]),
        arrays.of_flags([order.service.one_order_per_link for order in orders]),
    ]
    Cursor(connection).execute(_WRITE, [mode.value, *columns], prepare=True)
    movements = [
        Movement(order.buyer.account, SystemAccount.SALES, -order.charge, Kind.CHARGE, id_)
        for id_, order in zip(ids, orders, strict=True)
        if order.charge
    ]
    ledger.post(connection, movements, actor=mode.value)
    for id_, order in zip(ids, orders, strict=True):
        answers[order.position] = Placed(id_, order.charge)
