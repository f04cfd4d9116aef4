"""Refills: a customer asks for what has dropped off a completed order, as its service allows.

1. Lock the orders of the batch in id order.
2. Decide each by its service: has it refill, is the order completed, not too early and not too late. Of a drip-feed or
   a subscription the runs or posts are refilled, which are orders of their own.
3. Write the refills; a unique key refuses a second one that is open.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, orders
from tradepost.engine.authentication import Request, identify
from tradepost.engine.errors import IncorrectOrder, InvalidKey, RefillNotAvailable, RefillNotEligible, Refusal
from tradepost.engine.keys import Scope
from tradepost.engine.order_types import wire_id, wire_ids
from tradepost.engine.statuses import REFILL_TRANSITIONS, RefillStatus, Status


class RefillOf(Request, frozen=True, kw_only=True):
    """Asks for the refill of orders, by their ids as they were sent; the answer has its id or a refusal for each."""

    orders: Sequence[str]


type Refills = list[int | Refusal]


class RefillReport(msgspec.Struct, frozen=True):
    """How a refill stands now."""

    refill: int
    status: RefillStatus


class _Order(msgspec.Struct, frozen=True):
    id: int
    account: int
    status: str
    has_parts: bool
    refill: bool
    days: int
    wait_hours: int
    completed_at: datetime | None
    refilled_at: datetime | None
    now: datetime

    def is_eligible(self) -> bool:
        if self.status != Status.COMPLETED or self.completed_at is None or self.has_parts:
            return False
        since = max(self.completed_at, self.refilled_at or self.completed_at)
        in_time = not self.days or self.now <= self.completed_at + timedelta(days=self.days)
        return in_time and self.now >= since + timedelta(hours=self.wait_hours)


_LOOK = """
SELECT o.id, o.account_id, o.status, o.parts IS NOT NULL, s.refill, s.refill_days, s.refill_wait_hours,
       (SELECT max(e.at) FROM orders_orderevent e WHERE e.order_id = o.id AND e.to_status = 'Completed'),
       (SELECT max(r.updated_at) FROM orders_refill r WHERE r.order_id = o.id AND r.account_id = o.account_id),
       clock_timestamp()
FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
WHERE o.id = ANY(%s::bigint[])
"""

_WRITE = """
INSERT INTO orders_refill (order_id, account_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING RETURNING order_id, id
"""

_SETTLE = """
UPDATE orders_refill r SET status = new.status, updated_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (id, was, status)
WHERE r.id = new.id AND r.status = new.was
"""


def refill(connection: Connection, requests: Sequence[RefillOf]) -> list[Refills | Refusal]:
    """Answer each request, in its order, with the new refills or with why there is none."""
    callers = identify(connection, requests, to=Scope.ORDER)
    ids = wire_ids(request.orders for request in requests)
    orders.lock(connection, ids)
    rows = Cursor(connection).execute(_LOOK, [arrays.of_numbers(ids)], prepare=True)
    found = {row[0]: _Order(*row) for row in rows}
    answers: list[Refills | Refusal] = [
        InvalidKey() if caller is None else [_decide(found, sent, caller.account) for sent in request.orders]
        for request, caller in zip(requests, callers, strict=True)
    ]
    due = {order for answer in answers if isinstance(answer, list) for order in answer if isinstance(order, int)}
    made = _write(connection, [found[id_] for id_ in sorted(due)])
    return [[_answer(each, made) for each in answer] if isinstance(answer, list) else answer for answer in answers]


def settle_refills(connection: Connection, reports: Sequence[RefillReport]) -> int:
    """Take in how refills stand now and return how many moved; what the table does not allow changes nothing."""
    moves = [(report, was) for report in reports for was in RefillStatus if report.status in REFILL_TRANSITIONS[was]]
    cursor = Cursor(connection).execute(
        _SETTLE,
        [
            arrays.of_numbers(report.refill for report, _ in moves),
            arrays.of_texts(was for _, was in moves),
            arrays.of_texts(report.status for report, _ in moves),
        ],
        prepare=True,
    )
    return cursor.rowcount


def _decide(found: dict[int, _Order], sent: str, account: int) -> int | Refusal:
    """Return the id of an order that may be refilled, or why it may not."""
    order = found.get(wire_id(sent) or 0)
    if order is None or order.account != account:
        return IncorrectOrder()
    if not order.refill:
        return RefillNotAvailable()
    return order.id if order.is_eligible() else RefillNotEligible()


def _answer(decided: int | Refusal, made: dict[int, int]) -> int | Refusal:
    """Answer for one order; named twice in one batch it is refilled once."""
    if isinstance(decided, Refusal):
        return decided
    return made.pop(decided) if decided in made else RefillNotEligible()


def _write(connection: Connection, due: Sequence[_Order]) -> dict[int, int]:
    """Write a refill for each order and return their ids by order; one that has an open refill gets none."""
    if not due:
        return {}
    columns = [arrays.of_numbers(order.id for order in due), arrays.of_numbers(order.account for order in due)]
    return dict(Cursor(connection).execute(_WRITE, columns, prepare=True).fetchall())
