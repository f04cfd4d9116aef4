"""Quotes: check an order's parameters and compute its charge before the order is placed. Nothing is locked or written.

Quotes use the same catalog, validation and prices as `placing`, so the charge equals the quote unless the catalog
changes in between. Only `placing` checks the customer's funds and other orders.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection

from tradepost.engine import charges, order_types
from tradepost.engine.catalog import Catalog, Service, current_catalog
from tradepost.engine.errors import IncorrectService, Refusal
from tradepost.engine.order_types import Draft, Parameters


class Quote(msgspec.Struct, frozen=True):
    service: Service
    draft: Draft
    charge: Decimal


def quote(connection: Connection, account: int, asked: Sequence[Parameters]) -> list[Quote | Refusal]:
    """Return the quote or the refusal for each order of an account, in the sequence of `asked`."""
    catalog = current_catalog(connection)
    catalog.load_rates(connection, {account})
    return [_quote(catalog, account, parameters) for parameters in asked]


def _quote(catalog: Catalog, account: int, parameters: Parameters) -> Quote | Refusal:
    service = catalog.service(parameters.get("service", ""))
    if service is None:
        return IncorrectService()
    try:
        draft = order_types.parse_order(service.terms, parameters)
    except Refusal as refusal:
        return refusal
    return Quote(service, draft, charges.charge(service, catalog.rate(account, service), draft.quantity))
