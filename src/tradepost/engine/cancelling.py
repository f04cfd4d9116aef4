"""Cancels: an order that has not left yet is canceled and refunded at once; else whoever fulfils it is asked.

1. Lock the orders of the batch in id order.
2. Decide each by its service and by where it stands.
3. Settle those that have not left; write a cancel request for the others. A unique key refuses a second open one.
"""

from collections.abc import Sequence

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays
from tradepost.engine.errors import CancelNotEligible, IncorrectOrder, InvalidKey, Refusal
from tradepost.engine.identifying import Asked, identify
from tradepost.engine.keys import Scope
from tradepost.engine.order_types import wire_id, wire_ids
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import ACTIVE, Dispatch, Status

ACCEPTED = 1


class CancelOf(Asked, frozen=True, kw_only=True):
    """Asks to cancel orders, by their ids as they were sent; the answer has 1 or a refusal for each."""

    orders: Sequence[str]


type Cancels = list[int | Refusal]


class _Order(msgspec.Struct, frozen=True):
    id: int
    account: int
    status: str
    dispatch: str
    cancel: bool

    def has_not_left(self) -> bool:
        return self.status == Status.PENDING and self.dispatch in {Dispatch.NONE, Dispatch.QUEUED}


_LOCK = """
SELECT o.id, o.account_id, o.status, o.dispatch, s.cancel
FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
WHERE o.id = ANY(%s::bigint[]) ORDER BY o.id FOR UPDATE OF o
"""

_ASK = """
INSERT INTO orders_cancelrequest (order_id, account_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING RETURNING order_id
"""

_REJECT = """
UPDATE orders_cancelrequest SET state = 'rejected', settled_at = now() WHERE id = ANY(%s::bigint[]) AND state = 'open'
"""


def cancel(connection: Connection, requests: Sequence[CancelOf], *, actor: str) -> list[Cancels | Refusal]:
    """Answer each request, in its order, with what became of each of its orders."""
    holders = identify(connection, requests, to=Scope.ORDER)
    ids = wire_ids(request.orders for request in requests)
    rows = Cursor(connection).execute(_LOCK, [arrays.of_numbers(ids)], prepare=True)
    orders = {row[0]: _Order(*row) for row in rows}
    decided: list[list[_Order | Refusal] | Refusal] = [
        InvalidKey() if holder is None else [_decide(orders, sent, holder.account) for sent in request.orders]
        for request, holder in zip(requests, holders, strict=True)
    ]
    due = {order.id: order for each in decided if isinstance(each, list) for order in each if isinstance(order, _Order)}
    done = _carry_out(connection, list(due.values()), actor=actor)
    return [[_answer(order, done) for order in each] if isinstance(each, list) else each for each in decided]


def accepted(order: int, *, quantity: int, remains: int) -> Report:
    """Return how an order ends whose cancel request is accepted: what was delivered stays, the rest is given back."""
    return Report(order, Status.CANCELED if remains == quantity else Status.PARTIAL, remains=remains)


def reject(connection: Connection, cancel_requests: Sequence[int]) -> int:
    """Refuse open cancel requests, by their ids, and return how many were; their orders go on."""
    return Cursor(connection).execute(_REJECT, [arrays.of_numbers(cancel_requests)]).rowcount


def _decide(orders: dict[int, _Order], sent: str, account: int) -> _Order | Refusal:
    order = orders.get(wire_id(sent) or 0)
    if order is None or order.account != account:
        return IncorrectOrder()
    return order if order.cancel and order.status in ACTIVE else CancelNotEligible()


def _carry_out(connection: Connection, orders: Sequence[_Order], *, actor: str) -> set[int]:
    """Cancel what has not left and ask for the rest; return the orders of which that was accepted."""
    at_once = [order.id for order in orders if order.has_not_left()]
    if at_once:
        settle(connection, [Report(order, Status.CANCELED) for order in at_once], actor=actor)
    asked = [order for order in orders if not order.has_not_left()]
    if not asked:
        return set(at_once)
    columns = [arrays.of_numbers(order.id for order in asked), arrays.of_numbers(order.account for order in asked)]
    rows = Cursor(connection).execute(_ASK, columns, prepare=True)
    return {*at_once, *(row[0] for row in rows)}


def _answer(order: _Order | Refusal, done: set[int]) -> int | Refusal:
    """Answer for one order; named twice in one request it is accepted once."""
    if isinstance(order, Refusal):
        return order
    if order.id not in done:
        return CancelNotEligible()
    done.discard(order.id)
    return ACCEPTED
