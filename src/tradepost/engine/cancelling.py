"""Cancels: an order that has not left yet is canceled and refunded at once; else whoever fulfils it is asked.

1. Lock the orders of the batch in id order.
2. Decide each by its service and by where it stands.
3. Settle those that have not left; write a cancel request for the others. A unique key refuses a second open one.

A drip-feed is stopped at once: what has not left of it is given back, its runs under way are orders of their own.
"""

from collections.abc import Sequence

from psycopg import Connection, Cursor

from tradepost.engine import arrays, orders
from tradepost.engine.authentication import Request, identify
from tradepost.engine.errors import CancelNotEligible, IncorrectOrder, InvalidKey, Refusal
from tradepost.engine.keys import Scope
from tradepost.engine.order_types import wire_id, wire_ids
from tradepost.engine.orders import Order
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import ACTIVE, Status

ACCEPTED = 1


class CancelOf(Request, frozen=True, kw_only=True):
    """Asks to cancel orders, by their ids as they were sent; the answer has 1 or a refusal for each."""

    orders: Sequence[str]


type Cancels = list[int | Refusal]


_CANCELABLE = "SELECT id FROM catalog_service WHERE id = ANY(%s::bigint[]) AND cancel"

_ASK = """
INSERT INTO orders_cancelrequest (order_id, account_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING RETURNING order_id
"""

_REJECT = """
UPDATE orders_cancelrequest SET state = 'rejected', settled_at = now() WHERE id = ANY(%s::bigint[]) AND state = 'open'
"""


def cancel(connection: Connection, requests: Sequence[CancelOf], *, actor: str) -> list[Cancels | Refusal]:
    """Answer each request, in its order, with what became of each of its orders."""
    callers = identify(connection, requests, to=Scope.ORDER)
    found = orders.lock(connection, wire_ids(request.orders for request in requests))
    cancelable = _cancelable(connection, {order.service for order in found.values()})
    decided: list[list[Order | Refusal] | Refusal] = [
        InvalidKey()
        if caller is None
        else [_decide(found.get(wire_id(sent) or 0), caller.account, cancelable) for sent in request.orders]
        for request, caller in zip(requests, callers, strict=True)
    ]
    due = {order.id: order for each in decided if isinstance(each, list) for order in each if isinstance(order, Order)}
    done = _carry_out(connection, list(due.values()), actor=actor)
    return [[_answer(order, done) for order in each] if isinstance(each, list) else each for each in decided]


def accepted(order: int, *, quantity: int, remains: int, parts: int | None = None) -> Report:
    """Return how an order ends whose cancel request is accepted: what was delivered stays, the rest is given back.

    One that has parts is a subscription: it ends, and its posts are orders of their own.
    """
    whole = parts is not None or remains == quantity
    return Report(order, Status.CANCELED if whole else Status.PARTIAL, remains=remains)


def reject(connection: Connection, cancel_requests: Sequence[int]) -> int:
    """Refuse open cancel requests, by their ids, and return how many were; their orders go on."""
    return Cursor(connection).execute(_REJECT, [arrays.of_numbers(cancel_requests)]).rowcount


def _cancelable(connection: Connection, services: set[int]) -> set[int]:
    rows = Cursor(connection).execute(_CANCELABLE, [arrays.of_numbers(services)], prepare=True)
    return {row[0] for row in rows}


def _decide(order: Order | None, account: int, cancelable: set[int]) -> Order | Refusal:
    if order is None or order.account != account:
        return IncorrectOrder()
    return order if order.service in cancelable and order.status in ACTIVE else CancelNotEligible()


def _carry_out(connection: Connection, due: Sequence[Order], *, actor: str) -> set[int]:
    """Cancel what has not left and ask for the rest; return the orders of which that was accepted."""
    at_once = [order for order in due if order.has_not_left or order.is_dripfeed]
    reports = [Report(order.id, Status.CANCELED) for order in at_once]
    outcomes = settle(connection, reports, actor=actor) if reports else []
    done = {report.order for report, outcome in zip(reports, outcomes, strict=True) if outcome is SettleResult.SETTLED}
    asked = [order for order in due if order not in at_once]
    if not asked:
        return done
    columns = [arrays.of_numbers(order.id for order in asked), arrays.of_numbers(order.account for order in asked)]
    rows = Cursor(connection).execute(_ASK, columns, prepare=True)
    return done | {row[0] for row in rows}


def _answer(order: Order | Refusal, done: set[int]) -> int | Refusal:
    """Answer for one order; named twice in one request it is accepted once."""
    if isinstance(order, Refusal):
        return order
    if order.id not in done:
        return CancelNotEligible()
    done.discard(order.id)
    return ACCEPTED
