"""Settling orders: whoever learns how an order stands (simulator, poller, staff) tells it here.

1. Lock the orders of the batch, and the parents of those that are parts, in id order.
2. Hold each report against the table of transitions; what it does not allow changes nothing.
3. Lock the accounts that get money back, in id order, and post the refunds.
4. Write the orders and their events, then bring the parents up to where their parts stand.

A report that has been heard before changes nothing either, so refunds happen once (docs/architecture.md, money).
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, child_orders, ledger, money, orders
from tradepost.engine.ledger import Movement, SystemAccount, TransferKind
from tradepost.engine.orders import Move, Order
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.engine.statuses import ACTIVE, SUBSCRIBED, TRANSITIONS, CancelState, Status


class Report(msgspec.Struct, frozen=True):
    """How an order stands now. None: nothing new about that."""

    order: int
    status: Status
    start_count: int | None = None
    remains: int | None = None
    note: str = ""


class SettleResult(StrEnum):
    """What became of a report."""

    SETTLED = "settled"
    UNCHANGED = "unchanged"
    NOT_ALLOWED = "not allowed"
    UNKNOWN = "unknown order"


class _Refund(msgspec.Struct, frozen=True):
    """Money to give back: `order` is the one that was charged, `part` tells for which of its parts (0: for itself)."""

    order: Order
    part: int
    amount: Decimal
    kind: TransferKind


_STOP = "UPDATE orders_dripfeed SET due_at = NULL WHERE order_id = ANY(%s::bigint[])"

_LEAVE_UPSTREAM = "DELETE FROM orders_upstreamorder WHERE order_id = ANY(%s::bigint[])"

_CLOSE_CANCEL_REQUESTS = """
UPDATE orders_cancelrequest c SET state = ended.state, settled_at = now()
FROM unnest(%s::bigint[], %s::text[]) AS ended (id, state)
WHERE c.order_id = ended.id AND c.state = 'open'
"""


def settle(connection: Connection, reports: Sequence[Report], *, actor: str) -> list[SettleResult]:
    """Take in how orders stand, refunds included, and say of each report what became of it.

    Of a drip-feed the only report is Canceled: it makes no further run, and the runs nobody has begun to fulfil are
    canceled with it. Where it stands follows from its runs.
    """
    asked = {report.order for report in reports}
    found = orders.lock(connection, asked)
    parents = [order for order in found.values() if order.parts and order.id in asked]
    batch = _Batch(found)
    if parents:
        batch.bring_parts(connection, [parent.id for parent in parents])
    outcomes = [batch.apply(report) for report in reports]
    batch.write(connection, actor=actor)
    return outcomes


def refund_due(order: Order) -> tuple[TransferKind, Decimal]:
    """Return what is to be given back for an order as it stands now, and what for (docs/architecture.md, money)."""
    if order.status is Status.CANCELED:
        return TransferKind.CANCEL, order.charge - order.refunded
    if order.status is Status.PARTIAL:
        # Nothing can have been refunded before.
        return TransferKind.PARTIAL, money.share_of(order.charge, order.remains, order.quantity)
    return TransferKind.PARTIAL, money.ZERO


class _Batch:
    """Applies reports one after the other in memory, then writes all that has come of them."""

    def __init__(self, found: dict[int, Order]) -> None:
        self._orders = found
        self._made: defaultdict[int, list[Order]] = defaultdict(list)  # the parts of the parents that are reported on
        self._running: set[int] = set()
        self._changed: dict[int, Order] = {}
        self._parents: dict[int, Order] = {}  # to be brought up to their parts
        self._moves: list[Move] = []
        self._refunds: list[_Refund] = []
        self._stopped: list[int] = []

    def bring_parts(self, connection: Connection, parents: Sequence[int]) -> None:
        """Lock the parts of these parents, and learn which of them have more to come."""
        self._orders = orders.lock_parts(connection, parents) | self._orders
        for order in self._orders.values():
            if order.parent:
                self._made[order.parent].append(order)
        self._running = child_orders.find_running(connection, parents)

    def apply(self, report: Report) -> SettleResult:
        """Change an order as the report says."""
        order = self._orders.get(report.order)
        if order is None:
            return SettleResult.UNKNOWN
        if order.parts is None:
            return self._move_on(order, report)
        if report.status is order.status:
            return SettleResult.UNCHANGED
        return self._stop(order, report) if order.is_dripfeed else self._watch(order, report)

    def _move_on(self, order: Order, report: Report) -> SettleResult:
        was = order.status
        if report.status is not was and report.status not in TRANSITIONS[was]:
            return SettleResult.NOT_ALLOWED
        if report.status is was and not TRANSITIONS[was]:
            return SettleResult.UNCHANGED
        start_count = order.start_count if report.start_count is None else min(max(report.start_count, 0), BIGINT_MAX)
        remains = _remains(order, report)
        is_same = (start_count, remains) == (order.start_count, order.remains)
        if report.status is was and (was is Status.PARTIAL or is_same):
            return SettleResult.UNCHANGED
        order.status, order.start_count, order.remains = report.status, start_count, remains
        self._changed[order.id] = order
        if order.parent:
            self._parents[order.parent] = self._orders[order.parent]
        if order.status is not was:
            self._moves.append(Move(order, was, order.status, report.note))
            self._give_back(order, *refund_due(order))
        return SettleResult.SETTLED

    def _stop(self, dripfeed: Order, report: Report) -> SettleResult:
        if report.status is not Status.CANCELED or dripfeed.status not in ACTIVE:
            return SettleResult.NOT_ALLOWED
        waiting = [run for run in self._made[dripfeed.id] if run.has_not_left]
        is_running = dripfeed.id in self._running
        if not is_running and not waiting:
            return SettleResult.UNCHANGED
        if is_running:
            self._running.discard(dripfeed.id)
            self._stopped.append(dripfeed.id)
            self._give_back_unused(dripfeed)
        for run in waiting:
            self._move_on(run, Report(run.id, Status.CANCELED, note=report.note))
        self._parents[dripfeed.id] = dripfeed
        return SettleResult.SETTLED

    def _watch(self, subscription: Order, report: Report) -> SettleResult:
        was = subscription.status
        if was not in SUBSCRIBED or report.status not in TRANSITIONS[was]:
            return SettleResult.NOT_ALLOWED
        subscription.status = report.status
        self._moves.append(Move(subscription, was, report.status, report.note))
        if report.status not in SUBSCRIBED:
            self._give_back_unused(subscription)
        self._parents[subscription.id] = subscription
        return SettleResult.SETTLED

    def _give_back(self, order: Order, kind: TransferKind, amount: Decimal) -> None:
        """Give back for an order; for a part, on its parent, which is what was charged."""
        if not amount:
            return
        order.refunded += amount
        charged = order
        if order.parent:
            charged = self._orders[order.parent]
            charged.refunded += amount
        self._refunds.append(_Refund(charged, order.part or 0, amount, kind))

    def _give_back_unused(self, parent: Order) -> None:
        assert parent.parts, "a parent has parts"
        self._give_back(
            parent, TransferKind.UNUSED, child_orders.unused(parent.charge, len(self._made[parent.id]), parent.parts)
        )

    def write(self, connection: Connection, *, actor: str) -> None:
        """Post the refunds and write the orders, parents last."""
        _post(connection, self._refunds, actor=actor)
        if self._stopped:
            Cursor(connection).execute(_STOP, [arrays.of_numbers(self._stopped)], prepare=True)
        if self._changed:
            moves = [move for move in self._moves if move.order.parts is None]
            orders.write(connection, list(self._changed.values()), moves, actor=actor)
        if self._parents:
            parents = list(self._parents.values())
            told = [move for move in self._moves if move.order.parts is not None]
            followed = child_orders.roll_up(connection, parents)
            self._moves += followed
            orders.write(connection, parents, told + followed, actor=actor)
        _end(connection, [move for move in self._moves if move.to not in ACTIVE])


def _remains(order: Order, report: Report) -> int:
    if report.remains is not None:
        return min(max(report.remains, 0), order.quantity)  # upstreams deliver over, and count below zero
    return 0 if report.status is Status.COMPLETED else order.remains


def _post(connection: Connection, refunds: Sequence[_Refund], *, actor: str) -> None:
    if not refunds:
        return
    accounts = ledger.lock(connection, {refund.order.account for refund in refunds})
    movements = [
        Movement(
            accounts[refund.order.account],
            SystemAccount.SALES,
            refund.amount,
            refund.kind,
            refund.order.id,
            sequence=refund.part,
        )
        for refund in refunds
    ]
    ledger.post(connection, movements, actor=actor)


def _end(connection: Connection, ended: Sequence[Move]) -> None:
    """Have nobody wait for orders that are over: not for their upstream, and not for an answer to a cancel request.

    That one is accepted if money came back.
    """
    if ended:
        states = [CancelState.REJECTED if move.to is Status.COMPLETED else CancelState.ACCEPTED for move in ended]
        ids = arrays.of_numbers(move.order.id for move in ended)
        cursor = Cursor(connection)
        cursor.execute(_LEAVE_UPSTREAM, [ids], prepare=True)
        cursor.execute(_CLOSE_CANCEL_REQUESTS, [ids, arrays.of_texts(states)], prepare=True)
