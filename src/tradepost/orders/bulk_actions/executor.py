"""Working through a bulk action: a batch a transaction, and each order once.

1. Claim the action: its row is locked, so that no two workers are at it at a time.
2. Lock the next orders of it that wait, in id order, and hold them against the rules.
3. Have the engine act on those that pass.
4. Write down what became of each, in the same transaction: a worker that is killed has done a batch, or none of it.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

import msgspec
from django.db.models import F
from django.db.models.functions import Now
from psycopg import Connection, Cursor

from tradepost.engine import arrays, dispatching, link_editing, orders, settling
from tradepost.engine.link_editing import LinkEdit
from tradepost.engine.settling import Report
from tradepost.engine.statuses import Status
from tradepost.orders.bulk_action_types import BulkActionKind, BulkActionState, BulkOptions, BulkOutcome
from tradepost.orders.bulk_actions import rules
from tradepost.orders.bulk_actions.lifecycle import options_of
from tradepost.orders.bulk_actions.rules import Facts
from tradepost.orders.models import BulkAction, BulkOrder

BATCH = 200
LEFT = timedelta(seconds=5)  # since its last batch: whoever was at it is gone
NOTE_CHARS_MAX = 200
MOVED_ON = "has moved on meanwhile"


class Task(msgspec.Struct, frozen=True):
    """What is to be done to a batch, and in whose name."""

    kind: BulkActionKind
    options: BulkOptions
    actor: str


class Done(msgspec.Struct, frozen=True):
    """What became of an order."""

    order: int
    outcome: BulkOutcome
    note: str = ""


_NOTE = """
UPDATE orders_bulkorder b SET outcome = new.outcome, note = new.note
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (order_id, outcome, note)
WHERE b.action_id = %s AND b.order_id = new.order_id
"""


def work(connection: Connection, action: int, *, limit: int = BATCH) -> bool:
    """Do the next batch of an action; tell whether there may be more of it for this worker."""
    claimed = _claim(action)
    if claimed is None:
        return False
    waiting = _waiting(action, limit)
    if not waiting:
        BulkAction.objects.filter(pk=action).update(state=BulkActionState.DONE.value, ended_at=Now())
        return False
    task = Task(BulkActionKind(claimed.kind), options_of(claimed), str(claimed.created_by))
    _write_down(connection, action, _do(connection, task, waiting))
    return True


def fail_next(connection: Connection, action: int, why: str) -> None:
    """Leave the next order of an action alone, which the database refuses to have changed."""
    if _claim(action):
        _write_down(connection, action, [Done(order, BulkOutcome.FAILED, why) for order in _waiting(action, 1)])


def left_behind() -> list[int]:
    """Return the actions that nobody is at: their workers have died, or were asked to stop."""
    running = BulkAction.objects.filter(state=BulkActionState.RUNNING.value, progressed_at__lt=Now() - LEFT)
    return list(running.values_list("pk", flat=True))


def _claim(action: int) -> BulkAction | None:
    running = BulkAction.objects.select_related("created_by").filter(pk=action, state=BulkActionState.RUNNING.value)
    return running.select_for_update(skip_locked=True, of=("self",)).first()


def _waiting(action: int, limit: int) -> list[int]:
    waiting = BulkOrder.objects.filter(action=action, outcome=BulkOutcome.WAITING.value)
    return list(waiting.order_by("order_id").values_list("order_id", flat=True)[:limit])


def _do(connection: Connection, task: Task, ids: Collection[int]) -> list[Done]:
    orders.lock(connection, ids)
    found = rules.facts(connection, ids)
    reasons = {order.id: rules.why_not(task.kind, task.options, order) for order in found}
    due = [order for order in found if not reasons[order.id]]
    changed = _ACTS.get(task.kind, _settle)(connection, task, due) if due else set()
    return [
        Done(id_, BulkOutcome.DONE) if id_ in changed else Done(id_, BulkOutcome.SKIPPED, reasons.get(id_) or MOVED_ON)
        for id_ in ids
    ]


_ENDS = {
    BulkActionKind.CANCEL: Status.CANCELED,
    BulkActionKind.PARTIAL: Status.PARTIAL,
    BulkActionKind.COMPLETE: Status.COMPLETED,
    BulkActionKind.PAUSE: Status.PAUSED,
    BulkActionKind.RESUME: Status.ACTIVE,
}


def _settle(connection: Connection, task: Task, due: Sequence[Facts]) -> set[int]:
    remains = task.options.remains if task.kind is BulkActionKind.PARTIAL else None
    reports = [Report(order.id, _ENDS[task.kind], remains=remains, note="a bulk action") for order in due]
    outcomes = settling.settle(connection, reports, actor=task.actor)
    told = zip(reports, outcomes, strict=True)
    return {report.order for report, outcome in told if outcome is settling.SettleResult.SETTLED}


def _send_again(connection: Connection, task: Task, due: Sequence[Facts]) -> set[int]:
    return {order.id for order in due if dispatching.send_again(connection, order.id, actor=task.actor)}


def _edit_links(connection: Connection, task: Task, due: Sequence[Facts]) -> set[int]:
    edits = [LinkEdit(order.id, task.options.link_for(order.link)) for order in due]
    return link_editing.edit_links(connection, edits, actor=task.actor)


_ACTS: dict[BulkActionKind, Callable[[Connection, Task, Sequence[Facts]], set[int]]] = {
    BulkActionKind.RESEND: _send_again,
    BulkActionKind.EDIT_LINK: _edit_links,
}


def _write_down(connection: Connection, action: int, done: Sequence[Done]) -> None:
    columns = [
        arrays.of_numbers(each.order for each in done),
        arrays.of_texts(each.outcome for each in done),
        arrays.of_texts(each.note[:NOTE_CHARS_MAX] for each in done),
    ]
    Cursor(connection).execute(_NOTE, [*columns, action], prepare=True)
    counted = [each.outcome for each in done]
    BulkAction.objects.filter(pk=action).update(
        done=F("done") + counted.count(BulkOutcome.DONE),
        skipped=F("skipped") + counted.count(BulkOutcome.SKIPPED),
        failed=F("failed") + counted.count(BulkOutcome.FAILED),
        progressed_at=Now(),
    )
