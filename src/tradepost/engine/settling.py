"""Settling orders: the simulator, the poller and staff report here how an order stands.

1. Lock the orders of the batch, and the parents of child orders, in id order.
2. Check each report against the table of transitions. If the table does not allow a report, ignore it.
3. Lock the accounts that get money back, in id order, and post the refunds.
4. Write the orders and their events, then update the parents from their child orders.

A repeated report changes nothing either, so each refund happens once (docs/architecture.md, money).
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
    """How an order stands now. A field is None if nothing new is known about it."""

    order: int
    status: Status
    start_count: int | None = None
    remains: int | None = None
    note: str = ""


class SettleResult(StrEnum):
    """What a report did."""

    SETTLED = "settled"
    UNCHANGED = "unchanged"
    NOT_ALLOWED = "not allowed"
    UNKNOWN = "unknown order"


class _Refund(msgspec.Struct, frozen=True):
    """Money to give back. `order` is the order that was charged; `part` is its part to refund (0: the order itself)."""

    order: Order
    part: int
    amount: Decimal
    kind: TransferKind


_STOP = "UPDATE orders_dripfeed SET due_at = NULL WHERE order_id = ANY(%s::bigint[])"

_LEAVE_UPSTREAM = "DELETE FROM orders_upstreamorder WHERE order_id = ANY(%s::bigint[])"

_CLOSE_CANCEL_REQUESTS = """
UPDATE orders_cancelrequest c SET state = ended.state, settled_at = now()
FROM unnest(%s::bigint[], %s::text[]) AS ended (id, state)
WHERE c.order_id = ended.id AND c.state IN ('open', 'failed')
"""


def settle(connection: Connection, reports: Sequence[Report], *, actor: str) -> list[SettleResult]:
    """Apply the reports, post the refunds, and return a result for each report.

    A drip-feed takes only Canceled reports. It then makes no further run, and its runs that nobody has begun to fulfil
    are canceled too. Its own status follows from its runs.
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
    """Return the kind and amount of the refund for an order as it stands now (docs/architecture.md, money)."""
    if order.status is Status.CANCELED:
        return TransferKind.CANCEL, order.charge - order.refunded
    if order.status is Status.PARTIAL:
        # An order that has just become Partial cannot have had a refund before.
        return TransferKind.PARTIAL, money.share_of(order.charge, order.remains, order.quantity)
    return TransferKind.PARTIAL, money.ZERO


class _Batch:
    """Applies reports one by one in memory, then writes all changes."""

    def __init__(self, found: dict[int, Order]) -> None:
        self._orders = found
        self._made: defaultdict[int, list[Order]] = defaultdict(list)  # child orders, by parent that a report is about
        self._running: set[int] = set()
        self._changed: dict[int, Order] = {}
        self._parents: dict[int, Order] = {}  # to update from their child orders
        self._moves: list[Move] = []
        self._refunds: list[_Refund] = []
        self._stopped: list[int] = []

    def bring_parts(self, connection: Connection, parents: Sequence[int]) -> None:
        """Lock the child orders of these parents, and find the drip-feeds that have more runs to make."""
        self._orders = orders.lock_parts(connection, parents) | self._orders
        for order in self._orders.values():
            if order.parent:
                self._made[order.parent].append(order)
        self._running = child_orders.find_running(connection, parents)

    def apply(self, report: Report) -> SettleResult:
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
        """Refund an order. For a child order, refund its parent, because the parent was charged."""
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
        return min(max(report.remains, 0), order.quantity)  # upstreams that deliver too much report remains below zero
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
    """For orders that have ended, stop following their upstream and close their cancel requests.

    If the order was completed, the cancel request is rejected; otherwise it is accepted.
    """
    if ended:
        states = [CancelState.REJECTED if move.to is Status.COMPLETED else CancelState.ACCEPTED for move in ended]
        ids = arrays.of_numbers(move.order.id for move in ended)
        cursor = Cursor(connection)
        cursor.execute(_LEAVE_UPSTREAM, [ids], prepare=True)
        cursor.execute(_CLOSE_CANCEL_REQUESTS, [ids, arrays.of_texts(states)], prepare=True)
