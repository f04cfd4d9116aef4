"""Choosing the orders of a bulk action, and the look at what it would do before it is confirmed.

Who is chosen is written down when the action is looked at, so what is confirmed is what was seen.
"""

from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from decimal import Decimal

import msgspec
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from tradepost.accounts.models import Account
from tradepost.catalog.models import Service
from tradepost.database import engine_connection
from tradepost.engine import arrays
from tradepost.orders.bulk_action_types import BulkActionKind, BulkActionState, BulkOptions
from tradepost.orders.bulk_actions import rules
from tradepost.orders.models import BulkAction, BulkOrder

CHOSEN_MAX = 10_000
DRAFTS_KEPT = timedelta(days=1)
LOOKED_AT = 1_000  # orders at a time
SERVICES_SHOWN_MAX = 10

_CHOOSE = """
INSERT INTO orders_bulkorder (action_id, order_id) SELECT %s, o.id FROM orders_order o WHERE o.id = ANY(%s::bigint[])
"""


class Preview(msgspec.Struct, frozen=True):
    """What a bulk action would do as things are.

    `statuses` and `services` count those that are acted on, `reasons` those that are not; `elsewhere` exist at a
    provider or may, where they go on whatever is done here.
    """

    due: int
    statuses: dict[str, int]
    services: list[tuple[str, int]]
    more_services: int
    reasons: dict[str, int]
    elsewhere: int
    refund: Decimal
    is_exact: bool


def draft(kind: BulkActionKind, by: Account, orders: Collection[int]) -> BulkAction:
    """Write down what is to be done to which orders; nothing is done before it is confirmed."""
    with transaction.atomic():
        action = BulkAction.objects.create(kind=kind.value, created_by=by)
        with connection.cursor() as cursor:
            cursor.execute(_CHOOSE, [action.pk, arrays.of_numbers(list(orders)[:CHOSEN_MAX])])
            action.total = cursor.rowcount
        action.save(update_fields=["total"])
    return action


def order_ids(rows: QuerySet, column: str = "pk") -> list[int]:  # type: ignore[type-arg] # of any model
    """Return the ids that a list shows, the newest first, as far as it is counted."""
    return list(rows.order_by("-pk").values_list(column, flat=True)[:CHOSEN_MAX])


def options_of(action: BulkAction) -> BulkOptions:
    """Return how it is to be done."""
    return msgspec.convert(action.options, BulkOptions)


def preview(action: BulkAction, options: BulkOptions) -> Preview:
    """Say what an action would do now."""
    kind = BulkActionKind(action.kind)
    statuses, services, reasons = Counter[str](), Counter[int](), Counter[str]()
    elsewhere, refund, is_exact = 0, Decimal(0), True
    for order in _facts(action):
        reason = rules.why_not(kind, options, order)
        if reason:
            reasons[reason] += 1
            continue
        statuses[order.status.value] += 1
        services[order.service] += 1
        elsewhere += order.may_be_there
        refund += rules.refund(kind, options, order)
        is_exact &= not order.parts
    named = services.most_common(SERVICES_SHOWN_MAX)
    return Preview(
        due=statuses.total(),
        statuses=dict(statuses.most_common()),
        services=_named(named),
        more_services=len(services) - len(named),
        reasons=dict(reasons.most_common()),
        elsewhere=elsewhere,
        refund=refund,
        is_exact=is_exact,
    )


def confirm(action: BulkAction, options: BulkOptions) -> bool:
    """Have an action done that was looked at; tell whether it was still a draft."""
    told = msgspec.to_builtins(options)
    drafts = BulkAction.objects.filter(pk=action.pk, state=BulkActionState.DRAFT.value)
    return bool(drafts.update(state=BulkActionState.RUNNING.value, options=told, progressed_at=Now()))


def stop(action: int) -> bool:
    """Have no further batch of an action done; tell whether there was one to come."""
    running = BulkAction.objects.filter(pk=action, state=BulkActionState.RUNNING.value)
    return bool(running.update(state=BulkActionState.STOPPED.value, ended_at=Now()))


def forget_drafts() -> None:
    """Forget what was looked at and never confirmed."""
    BulkAction.objects.filter(state=BulkActionState.DRAFT.value, created_at__lt=Now() - DRAFTS_KEPT).delete()


def _facts(action: BulkAction) -> list[rules.Facts]:
    ids = list(BulkOrder.objects.filter(action=action).values_list("order_id", flat=True))
    raw = engine_connection()
    return [
        order for start in range(0, len(ids), LOOKED_AT) for order in rules.facts(raw, ids[start : start + LOOKED_AT])
    ]


def _named(services: list[tuple[int, int]]) -> list[tuple[str, int]]:
    names = Service.objects.in_bulk([service for service, _ in services])
    return [(str(names.get(service, service)), count) for service, count in services]
