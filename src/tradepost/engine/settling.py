"""Settling orders: whoever learns how an order stands (simulator, poller, staff) tells it here.

1. Lock the orders of the batch in id order.
2. Hold each report against the table of transitions; what it does not allow changes nothing.
3. Lock the accounts that get money back, in id order, and post the refunds.
4. Write the orders and their events.

A report that has been heard before changes nothing either, so refunds happen once (design §4: law).
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, ledger, money
from tradepost.engine.ledger import Kind, Movement, SystemAccount
from tradepost.engine.statuses import ACTIVE, TRANSITIONS, CancelState, Status

COUNT_MAX = 2**63 - 1  # what the database holds
NOTE_CHARS_MAX = 200


class Report(msgspec.Struct, frozen=True):
    """How an order stands now. None: nothing new about that."""

    order: int
    status: Status
    start_count: int | None = None
    remains: int | None = None
    note: str = ""


class Outcome(StrEnum):
    """What became of a report."""

    SETTLED = "settled"
    UNCHANGED = "unchanged"
    NOT_ALLOWED = "not allowed"
    UNKNOWN = "unknown order"


class _Order(msgspec.Struct):
    id: int
    account: int
    status: Status
    dispatch: str
    quantity: int
    charge: Decimal
    refunded: Decimal
    start_count: int | None
    remains: int


class _Move(msgspec.Struct, frozen=True):
    order: _Order
    was: Status
    to: Status
    refund: Decimal
    note: str


_LOCK = """
SELECT id, account_id, status, dispatch, quantity, charge, refunded, start_count, remains
FROM orders_order WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE
"""

_WRITE = """
UPDATE orders_order o
SET status = new.status, start_count = new.start_count, remains = new.remains, refunded = new.refunded,
    updated_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::numeric[])
  AS new (id, status, start_count, remains, refunded)
WHERE o.id = new.id
"""

_WRITE_EVENTS = """
INSERT INTO orders_orderevent (order_id, account_id, actor, from_status, to_status, from_dispatch, to_dispatch, note)
SELECT order_id, account_id, %s, from_status, to_status, dispatch, dispatch, note
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
  AS new (order_id, account_id, from_status, to_status, dispatch, note)
"""

_CLOSE_CANCEL_REQUESTS = """
UPDATE orders_cancelrequest c SET state = ended.state, settled_at = now()
FROM unnest(%s::bigint[], %s::text[]) AS ended (id, state)
WHERE c.order_id = ended.id AND c.state = 'open'
"""


def settle(connection: Connection, reports: Sequence[Report], *, actor: str) -> list[Outcome]:
    """Take in how orders stand, refunds included, and say of each report what became of it."""
    rows = Cursor(connection).execute(_LOCK, [arrays.of_numbers(report.order for report in reports)], prepare=True)
    orders = {row[0]: _Order(row[0], row[1], Status(row[2]), *row[3:]) for row in rows}
    outcomes = []
    changed: dict[int, _Order] = {}
    moves = []
    for report in reports:
        outcome, move = _apply(orders.get(report.order), report)
        outcomes.append(outcome)
        if outcome is Outcome.SETTLED:
            changed[report.order] = orders[report.order]
        if move:
            moves.append(move)
    if changed:
        _refund(connection, moves, actor=actor)
        _write(connection, list(changed.values()), moves, actor=actor)
        _close_cancel_requests(connection, moves)
    return outcomes


def _apply(order: _Order | None, report: Report) -> tuple[Outcome, _Move | None]:
    """Change `order` as the report says, in memory."""
    if order is None:
        return Outcome.UNKNOWN, None
    was = order.status
    if report.status is not was and report.status not in TRANSITIONS[was]:
        return Outcome.NOT_ALLOWED, None
    if report.status is was and not TRANSITIONS[was]:
        return Outcome.UNCHANGED, None
    start_count = order.start_count if report.start_count is None else min(max(report.start_count, 0), COUNT_MAX)
    remains = _remains(order, report)
    if report.status is was and (was is Status.PARTIAL or (start_count, remains) == (order.start_count, order.remains)):
        return Outcome.UNCHANGED, None
    order.status, order.start_count, order.remains = report.status, start_count, remains
    if report.status is was:
        return Outcome.SETTLED, None
    refund = _refund_due(order)
    order.refunded += refund
    return Outcome.SETTLED, _Move(order, was, report.status, refund, report.note[:NOTE_CHARS_MAX])


def _remains(order: _Order, report: Report) -> int:
    if report.remains is not None:
        return min(max(report.remains, 0), order.quantity)  # upstreams deliver over, and count below zero
    return 0 if report.status is Status.COMPLETED else order.remains


def _refund_due(order: _Order) -> Decimal:
    left = order.charge - order.refunded
    if order.status is Status.CANCELED:
        return left
    if order.status is Status.PARTIAL:
        return money.share_of(order.charge, order.remains, order.quantity)  # nothing can have been refunded before
    return money.ZERO


def _refund(connection: Connection, moves: Sequence[_Move], *, actor: str) -> None:
    due = [move for move in moves if move.refund]
    if not due:
        return
    accounts = ledger.lock(connection, {move.order.account for move in due})
    movements = [
        Movement(
            accounts[move.order.account],
            SystemAccount.SALES,
            move.refund,
            Kind.CANCEL if move.to is Status.CANCELED else Kind.PARTIAL,
            move.order.id,
        )
        for move in due
    ]
    ledger.post(connection, movements, actor=actor)


def _write(connection: Connection, orders: Sequence[_Order], moves: Sequence[_Move], *, actor: str) -> None:
    cursor = Cursor(connection)
    cursor.execute(
        _WRITE,
        [
            arrays.of_numbers(order.id for order in orders),
            arrays.of_texts(order.status for order in orders),
            arrays.of_numbers(order.start_count for order in orders),
            arrays.of_numbers(order.remains for order in orders),
            arrays.of_numbers(order.refunded for order in orders),
        ],
        prepare=True,
    )
    if moves:
        columns = [
            arrays.of_numbers(move.order.id for move in moves),
            arrays.of_numbers(move.order.account for move in moves),
            arrays.of_texts(move.was for move in moves),
            arrays.of_texts(move.to for move in moves),
            arrays.of_texts(move.order.dispatch for move in moves),
            arrays.of_texts(move.note for move in moves),
        ]
        cursor.execute(_WRITE_EVENTS, [actor, *columns], prepare=True)


def _close_cancel_requests(connection: Connection, moves: Sequence[_Move]) -> None:
    """Settle what customers asked for along with the orders that are over: money back means that it was accepted."""
    ended = [move for move in moves if move.to not in ACTIVE]
    if ended:
        states = [CancelState.REJECTED if move.to is Status.COMPLETED else CancelState.ACCEPTED for move in ended]
        ids = arrays.of_numbers(move.order.id for move in ended)
        Cursor(connection).execute(_CLOSE_CANCEL_REQUESTS, [ids, arrays.of_texts(states)], prepare=True)
