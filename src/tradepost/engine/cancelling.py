"""Cancel orders. If fulfilment has not begun, cancel and refund at once; otherwise write a cancel request.

1. Lock the orders of the batch in id order.
2. Check each order's owner, service and status.
3. Settle the orders that have not left; write a cancel request for the others. A unique key refuses a second open
   request for the same order.

A drip-feed stops at once: the runs that have not left are refunded. Runs that have begun are separate orders and go on.
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
    """A request to cancel orders, by ids as the client wrote them. The answer has 1 or a refusal for each id."""

    orders: Sequence[str]


type Cancels = list[int | Refusal]


_CANCELABLE = "SELECT id FROM catalog_service WHERE id = ANY(%s::bigint[]) AND cancel"

_ASK = """
INSERT INTO orders_cancelrequest (order_id, account_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING RETURNING order_id
"""

_REJECT = """
UPDATE orders_cancelrequest SET state = 'rejected', settled_at = now()
WHERE id = ANY(%s::bigint[]) AND state IN ('open', 'failed')
"""


def cancel(connection: Connection, requests: Sequence[CancelOf], *, actor: str) -> list[Cancels | Refusal]:
    """Cancel the orders of each request; return the answers in the sequence of requests and ids."""
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
    """Return the report that ends an order after its cancel request was accepted: the rest is refunded.

    An order with `parts` is a subscription: it ends as Canceled. Its posts are separate orders, and go on.
    """
    whole = parts is not None or remains == quantity
    return Report(order, Status.CANCELED if whole else Status.PARTIAL, remains=remains)


def reject(connection: Connection, cancel_requests: Sequence[int]) -> int:
    """Reject these cancel requests, by id, if nobody has decided them; return how many were. Their orders go on."""
    return Cursor(connection).execute(_REJECT, [arrays.of_numbers(cancel_requests)]).rowcount


def _cancelable(connection: Connection, services: set[int]) -> set[int]:
    rows = Cursor(connection).execute(_CANCELABLE, [arrays.of_numbers(services)], prepare=True)
    return {row[0] for row in rows}


def _decide(order: Order | None, account: int, cancelable: set[int]) -> Order | Refusal:
    if order is None or order.account != account:
        return IncorrectOrder()
    return order if order.service in cancelable and order.status in ACTIVE else CancelNotEligible()


def _carry_out(connection: Connection, due: Sequence[Order], *, actor: str) -> set[int]:
    """Cancel the orders that have not left, write requests for the others; return the ids for which this worked."""
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
    """Return the answer for an order. If a client names an order twice, only the first is accepted."""
    if isinstance(order, Refusal):
        return order
    if order.id not in done:
        return CancelNotEligible()
    done.discard(order.id)
    return ACCEPTED
