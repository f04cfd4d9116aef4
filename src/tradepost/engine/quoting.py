"""What an order would cost, and whether its parameters are right, before it is placed. Nothing is locked or written.

The same catalog, reading of parameters and pricing as in `placing`, so a quote is what will be charged unless the
catalog changes in between. What depends on the moment, funds and other orders, is decided when the order is placed.
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
    """What an order would be, and cost."""

    service: Service
    draft: Draft
    charge: Decimal


def quote(connection: Connection, account: int, asked: Sequence[Parameters]) -> list[Quote | Refusal]:
    """Answer each of these orders of an account, in their order, with its quote or with why it would be refused."""
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
