"""Refills: a customer asks for the quantity that a completed order has lost again, if the service allows refills.

1. Lock the orders of the batch in id order.
2. Decide each order: the service must offer refills, and the order must be completed, not too recently and not too long
   ago. For a drip-feed or a subscription, the customer asks to refill its runs or posts, which are orders.
3. Write the refills. A unique key prevents a second open refill of an order.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, orders
from tradepost.engine.actors import actor_label
from tradepost.engine.authentication import Request, identify
from tradepost.engine.errors import IncorrectOrder, InvalidKey, RefillNotAvailable, RefillNotEligible, Refusal
from tradepost.engine.keys import Scope
from tradepost.engine.order_types import wire_id, wire_ids
from tradepost.engine.statuses import REFILL_TRANSITIONS, RefillStatus, Status


class RefillOf(Request, frozen=True, kw_only=True):
    """A request to refill orders, by ids as the client sent them. The answer has a refill id or a refusal for each."""

    orders: Sequence[str]


type Refills = list[int | Refusal]


class RefillReport(msgspec.Struct, frozen=True):
    """The current status of a refill."""

    refill: int
    status: RefillStatus


class CompletedOrder(msgspec.Struct, frozen=True):
    """The facts about an order that decide whether it may be refilled."""

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
        """Return whether the order is completed, by itself, and neither too recently nor too long ago."""
        if self.status != Status.COMPLETED or self.completed_at is None or self.has_parts:
            return False
        since = max(self.completed_at, self.refilled_at or self.completed_at)
        in_time = not self.days or self.now <= self.completed_at + timedelta(days=self.days)
        return in_time and self.now >= since + timedelta(hours=self.wait_hours)


_LOOK = """
SELECT o.id, o.account_id, o.status, o.parts IS NOT NULL, s.refill, s.refill_days, s.refill_wait_hours,
       (SELECT max(e.at) FROM orders_orderevent e WHERE e.order_id = o.id
        AND e.to_status = 'Completed' AND e.from_status <> e.to_status),
       (SELECT max(r.updated_at) FROM orders_refill r
        WHERE r.order_id = o.id AND r.account_id = o.account_id AND r.status <> 'Error'),
       clock_timestamp()
FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
WHERE o.id = ANY(%s::bigint[])
"""

_WRITE = """
INSERT INTO orders_refill (order_id, account_id)
SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING RETURNING order_id, id
"""

_SIGN = """
INSERT INTO orders_orderevent (order_id, account_id, actor, from_status, to_status, from_dispatch, to_dispatch, note)
SELECT id, account_id, %s, status, status, dispatch, dispatch, 'Refill requested'
FROM orders_order WHERE id = ANY(%s::bigint[]) ORDER BY id
"""

_OPEN = """
SELECT order_id FROM orders_refill WHERE order_id = ANY(%s::bigint[]) AND status IN ('Pending', 'In progress')
"""

_SETTLE = """
UPDATE orders_refill r SET status = new.status, updated_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (id, was, status)
WHERE r.id = new.id AND r.status = new.was
"""


def refill(connection: Connection, requests: Sequence[RefillOf], *, signed_by: str = "") -> list[Refills | Refusal]:
    """Return the new refills or the refusal for each request, in the sequence of `requests`.

    A refill has no actor: its customer asks for it. If somebody else does, `signed_by` is written as an event.
    """
    callers = identify(connection, requests, to=Scope.ORDER)
    ids = wire_ids(request.orders for request in requests)
    orders.lock(connection, ids)
    found = look(connection, ids)
    answers: list[Refills | Refusal] = [
        InvalidKey() if caller is None else [_decide(found, sent, caller.account) for sent in request.orders]
        for request, caller in zip(requests, callers, strict=True)
    ]
    due = {order for answer in answers if isinstance(answer, list) for order in answer if isinstance(order, int)}
    made = _write(connection, [found[id_] for id_ in sorted(due)])
    if signed_by and made:
        Cursor(connection).execute(_SIGN, [actor_label(signed_by), arrays.of_numbers(made)])
    return [[_answer(each, made) for each in answer] if isinstance(answer, list) else answer for answer in answers]


def look(connection: Connection, orders: Collection[int]) -> dict[int, CompletedOrder]:
    """Return the facts about the orders that exist."""
    rows = Cursor(connection).execute(_LOOK, [arrays.of_numbers(orders)], prepare=True)
    return {row[0]: CompletedOrder(*row) for row in rows}


def with_open_refill(connection: Connection, orders: Collection[int]) -> set[int]:
    """Return which of the orders have a refill that has not ended."""
    return {row[0] for row in Cursor(connection).execute(_OPEN, [arrays.of_numbers(orders)])}


def refill_locked(connection: Connection, orders: Collection[int]) -> set[int]:
    """Write refills of orders that the caller has locked, for their customers; return the orders that got one.

    Leave out the orders that their service does not refill now, and those that have an open refill.
    """
    found = look(connection, orders)
    due = [order for id_, order in sorted(found.items()) if order.refill and order.is_eligible()]
    return set(_write(connection, due))


def settle_refills(connection: Connection, reports: Sequence[RefillReport]) -> int:
    """Update the refills and return how many changed. Ignore reports that `REFILL_TRANSITIONS` does not allow."""
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


def _decide(found: dict[int, CompletedOrder], sent: str, account: int) -> int | Refusal:
    """Return the order's id if the order may be refilled, otherwise the refusal."""
    order = found.get(wire_id(sent) or 0)
    if order is None or order.account != account:
        return IncorrectOrder()
    if not order.refill:
        return RefillNotAvailable()
    return order.id if order.is_eligible() else RefillNotEligible()


def _answer(decided: int | Refusal, made: dict[int, int]) -> int | Refusal:
    """Return the refill's id or the refusal for one order. If a batch names an order twice, refill it once."""
    if isinstance(decided, Refusal):
        return decided
    return made.pop(decided) if decided in made else RefillNotEligible()


def _write(connection: Connection, due: Sequence[CompletedOrder]) -> dict[int, int]:
    """Write a refill for each order that has no open refill, and return the refill ids by order id."""
    if not due:
        return {}
    columns = [arrays.of_numbers(order.id for order in due), arrays.of_numbers(order.account for order in due)]
    return dict(Cursor(connection).execute(_WRITE, columns, prepare=True).fetchall())
