"""Work through a bulk action: each batch in a transaction of its own, and each order once.

1. Claim the action: lock its row, so that only one worker at a time works on it.
2. Lock the action's next waiting orders, in id order, and check each against the rules.
3. Let the engine change the orders that pass.
4. Record the result of each order in the same transaction: a killed worker has done a whole batch or nothing of it.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

import msgspec
from django.db.models import F
from django.db.models.functions import Now
from psycopg import Connection, Cursor

from tradepost.accounts.models import Account
from tradepost.engine import arrays, dispatching, link_editing, orders, refilling, settling
from tradepost.engine.link_editing import LinkEdit
from tradepost.engine.settling import Report
from tradepost.engine.statuses import Status
from tradepost.ledger import payments
from tradepost.orders import notes
from tradepost.orders.bulk_action_types import BulkActionKind, BulkActionState, BulkOptions, BulkOutcome
from tradepost.orders.bulk_actions import rules
from tradepost.orders.bulk_actions.lifecycle import options_of
from tradepost.orders.bulk_actions.rules import BulkCandidate
from tradepost.orders.models import BulkAction, BulkOrder

BATCH = 200
ABANDONED_AFTER = timedelta(seconds=5)  # since the action's last batch: its worker died or was stopped
NOTE_CHARS_MAX = 200
MOVED_ON = "has moved on meanwhile"


class ActionTask(msgspec.Struct, frozen=True):
    """What to do to orders, and who does it."""

    kind: BulkActionKind
    options: BulkOptions
    by: Account
    note: str = "a bulk action"  # in the orders' events

    @property
    def actor(self) -> str:
        """The actor to record."""
        return str(self.by)


class OrderResult(msgspec.Struct, frozen=True):
    """What the action did to one order; `note` is the reason if the order was skipped or failed."""

    order: int
    outcome: BulkOutcome
    note: str = ""


_RECORD = """
UPDATE orders_bulkorder b SET outcome = new.outcome, note = new.note
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (order_id, outcome, note)
WHERE b.action_id = %s AND b.order_id = new.order_id
"""


def run_batch(connection: Connection, action: int, *, limit: int = BATCH) -> bool:
    """Act on the action's next `limit` orders. Return False if none wait or another worker has the action."""
    claimed = _claim(action)
    if claimed is None:
        return False
    waiting = _waiting(action, limit)
    if not waiting:
        BulkAction.objects.filter(pk=action).update(state=BulkActionState.DONE.value, ended_at=Now())
        return False
    task = ActionTask(BulkActionKind(claimed.kind), options_of(claimed), claimed.created_by)
    _record(connection, action, act(connection, task, waiting))
    return True


def fail_next(connection: Connection, action: int, why: str) -> None:
    """Record the action's next order as failed: the order can't be changed, for the reason in `why`."""
    if _claim(action):
        _record(connection, action, [OrderResult(order, BulkOutcome.FAILED, why) for order in _waiting(action, 1)])


def abandoned_actions() -> list[int]:
    """Return the running actions without a worker: it died or was stopped."""
    running = BulkAction.objects.filter(state=BulkActionState.RUNNING.value, progressed_at__lt=Now() - ABANDONED_AFTER)
    return list(running.values_list("pk", flat=True))


def _claim(action: int) -> BulkAction | None:
    running = BulkAction.objects.select_related("created_by").filter(pk=action, state=BulkActionState.RUNNING.value)
    return running.select_for_update(skip_locked=True, of=("self",)).first()


def _waiting(action: int, limit: int) -> list[int]:
    waiting = BulkOrder.objects.filter(action=action, outcome=BulkOutcome.WAITING.value)
    return list(waiting.order_by("order_id").values_list("order_id", flat=True)[:limit])


def act(connection: Connection, task: ActionTask, ids: Collection[int]) -> list[OrderResult]:
    """Do the task to these orders, and return a result for each. One order and many obey the same rules."""
    orders.lock(connection, ids)
    candidates = rules.load_candidates(connection, task.kind, ids)
    reasons = {order.id: rules.skip_reason(task.kind, task.options, order) for order in candidates}
    reasons |= _record_delivered_refunds(task, [order for order in candidates if not reasons[order.id]])
    due = [order for order in candidates if not reasons[order.id]]
    changed = _ACTS.get(task.kind, _settle)(connection, task, due) if due else set()
    return [
        OrderResult(id_, BulkOutcome.DONE)
        if id_ in changed
        else OrderResult(id_, BulkOutcome.SKIPPED, reasons.get(id_) or MOVED_ON)
        for id_ in ids
    ]


def _record_delivered_refunds(task: ActionTask, due: Sequence[BulkCandidate]) -> dict[int, str]:
    """Count what is refunded of delivered orders, and write the reason down. Return the orders above the limits."""
    refunds = rules.delivered_refunds(task.kind, task.options, due)
    if not refunds:
        return {}
    refused = payments.record_refunds(task.by, refunds, reason=task.options.reason)
    refunded = [refund.order for refund in refunds if refund.order not in refused]
    notes.write(refunded, f"Refunded although it was delivered: {task.options.reason}", task.by)
    return refused


_ENDS = {
    BulkActionKind.CANCEL: Status.CANCELED,
    BulkActionKind.PARTIAL: Status.PARTIAL,
    BulkActionKind.COMPLETE: Status.COMPLETED,
    BulkActionKind.PAUSE: Status.PAUSED,
    BulkActionKind.RESUME: Status.ACTIVE,
}


def _settle(connection: Connection, task: ActionTask, due: Sequence[BulkCandidate]) -> set[int]:
    remains = task.options.remains if task.kind is BulkActionKind.PARTIAL else None
    reports = [Report(order.id, _ENDS[task.kind], remains=remains, note=task.note) for order in due]
    outcomes = settling.settle(connection, reports, actor=task.actor)
    settled = zip(reports, outcomes, strict=True)
    return {report.order for report, outcome in settled if outcome is settling.SettleResult.SETTLED}


def _send_again(connection: Connection, task: ActionTask, due: Sequence[BulkCandidate]) -> set[int]:
    return {order.id for order in due if dispatching.send_again(connection, order.id, actor=task.actor)}


def _edit_links(connection: Connection, task: ActionTask, due: Sequence[BulkCandidate]) -> set[int]:
    edits = [LinkEdit(order.id, task.options.link_for(order.link)) for order in due]
    return link_editing.edit_links(connection, edits, actor=task.actor)


def _refill(connection: Connection, _task: ActionTask, due: Sequence[BulkCandidate]) -> set[int]:
    return refilling.refill_locked(connection, [order.id for order in due])


def _tell_provider(_connection: Connection, task: ActionTask, due: Sequence[BulkCandidate]) -> set[int]:
    told = notes.messages_by_order([order.id for order in due], task.options.text)
    notes.write_told(told, task.by)
    return set(told)


_ACTS: dict[BulkActionKind, Callable[[Connection, ActionTask, Sequence[BulkCandidate]], set[int]]] = {
    BulkActionKind.RESEND: _send_again,
    BulkActionKind.EDIT_LINK: _edit_links,
    BulkActionKind.REFILL: _refill,
    BulkActionKind.TELL_PROVIDER: _tell_provider,
}


def _record(connection: Connection, action: int, results: Sequence[OrderResult]) -> None:
    columns = [
        arrays.of_numbers(result.order for result in results),
        arrays.of_texts(result.outcome for result in results),
        arrays.of_texts(result.note[:NOTE_CHARS_MAX] for result in results),
    ]
    Cursor(connection).execute(_RECORD, [*columns, action], prepare=True)
    outcomes = [result.outcome for result in results]
    BulkAction.objects.filter(pk=action).update(
        done=F("done") + outcomes.count(BulkOutcome.DONE),
        skipped=F("skipped") + outcomes.count(BulkOutcome.SKIPPED),
        failed=F("failed") + outcomes.count(BulkOutcome.FAILED),
        progressed_at=Now(),
    )
