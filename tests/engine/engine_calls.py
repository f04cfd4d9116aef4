"""Calls the engine to place orders, and reads their results from the database."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg

from tests.conftest import Customer
from tradepost.engine.placing import Mode, OrderRequest, Placed, place

type MakeCustomer = Callable[..., Customer]
type MakeService = Callable[..., int]
type Connect = Callable[[], psycopg.Connection]

LINK = "https://example.test/alice"


def ask(buyer: Customer | int, service: int | str, /, **parameters: object) -> OrderRequest:
    """Return a request for 100 at `LINK` of a service; `parameters` override and add."""
    fields = {"service": service, "link": LINK, "quantity": 100, **parameters}
    return OrderRequest(
        buyer.digest if isinstance(buyer, Customer) else buyer, {name: str(value) for name, value in fields.items()}
    )


def place_all(connection: psycopg.Connection, *requests: OrderRequest) -> list[int | str]:
    """Place a batch, and return for each request the order's id or the error's text."""
    answers = place(connection, requests, mode=Mode.API)
    return [answer.order if isinstance(answer, Placed) else str(answer) for answer in answers]


def place_one(connection: psycopg.Connection, request: OrderRequest) -> Placed:
    """Place one order. The order must be accepted."""
    [answer] = place(connection, [request], mode=Mode.API)
    assert isinstance(answer, Placed), str(answer)
    return answer


def refuse_one(connection: psycopg.Connection, request: OrderRequest) -> str:
    """Place one order, which must be refused, and return the error's text."""
    [answer] = place_all(connection, request)
    assert isinstance(answer, str), answer
    return answer


def balance(connection: psycopg.Connection, customer: Customer) -> Decimal:
    """Return a customer's balance."""
    amount: Decimal = value(connection, "SELECT balance FROM ledger_account WHERE account_id = %s", customer.id)
    return amount


def transfers(connection: psycopg.Connection, order: int) -> list[tuple[str, Decimal]]:
    """Return kind and amount of each transfer of an order, oldest first."""
    query = "SELECT kind, amount FROM ledger_transfer WHERE order_id = %s ORDER BY id"
    return list(connection.execute(query, [order]))


def value(connection: psycopg.Connection, query: str, *parameters: object) -> Any:
    """Return the single value that a query yields."""
    [(single,)] = connection.execute(query, parameters).fetchall()
    return single
