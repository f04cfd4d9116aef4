"""The life of a bulk action: draft it with its orders, preview it, confirm it, stop it.

The chosen orders are stored with the draft, so staff confirm exactly the orders that the preview was about.
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
from tradepost.ledger import payments
from tradepost.orders.bulk_action_types import BulkActionKind, BulkActionState, BulkOptions
from tradepost.orders.bulk_actions import rules
from tradepost.orders.models import BulkAction, BulkOrder

CHOSEN_MAX = 10_000
DRAFTS_KEPT = timedelta(days=1)
ORDERS_A_QUERY = 1_000
SERVICES_SHOWN_MAX = 10

_CHOOSE = """
INSERT INTO orders_bulkorder (action_id, order_id) SELECT %s, o.id FROM orders_order o WHERE o.id = ANY(%s::bigint[])
"""


class Preview(msgspec.Struct, frozen=True):
    """What a bulk action would do now.

    `statuses` and `services` count the `due` orders that it would act on, `reasons` the orders that it would skip.
    `elsewhere` counts the due orders that exist at a provider, or may: the provider goes on with them regardless.
    If `is_exact` is False, some due orders are drip-feeds or subscriptions, and the `refund` is an estimate. Of the due
    orders, `delivered` were delivered, and `delivered_refund` is what is refunded of those.
    """

    due: int
    statuses: dict[str, int]
    services: list[tuple[str, int]]
    more_services: int
    reasons: dict[str, int]
    elsewhere: int
    refund: Decimal
    is_exact: bool
    delivered: int
    delivered_refund: Decimal


def draft(kind: BulkActionKind, by: Account, orders: Collection[int]) -> BulkAction:
    """Store an action and its orders, at most `CHOSEN_MAX`. Nothing happens to the orders before `confirm`."""
    with transaction.atomic():
        action = BulkAction.objects.create(kind=kind.value, created_by=by)
        with connection.cursor() as cursor:
            cursor.execute(_CHOOSE, [action.pk, arrays.of_numbers(list(orders)[:CHOSEN_MAX])])
            action.total = cursor.rowcount
        action.save(update_fields=["total"])
    return action


def order_ids(rows: QuerySet, column: str = "pk") -> list[int]:  # type: ignore[type-arg] # of any model
    """Return the ids of these rows, newest first, at most `CHOSEN_MAX`."""
    return list(rows.order_by("-pk").values_list(column, flat=True)[:CHOSEN_MAX])


def options_of(action: BulkAction) -> BulkOptions:
    return msgspec.convert(action.options, BulkOptions)


def preview(action: BulkAction, options: BulkOptions) -> Preview:
    kind = BulkActionKind(action.kind)
    statuses, services, reasons = Counter[str](), Counter[int](), Counter[str]()
    elsewhere, refund, is_exact = 0, Decimal(0), True
    candidates = _candidates(action, kind)
    skipped = {order.id: rules.skip_reason(kind, options, order) for order in candidates}
    delivered = rules.delivered_refunds(kind, options, [order for order in candidates if not skipped[order.id]])
    if delivered:
        skipped |= payments.why_no_refunds(action.created_by, delivered)
    delivered = [order for order in delivered if not skipped[order.order]]
    for order in candidates:
        if skipped[order.id]:
            reasons[skipped[order.id]] += 1
            continue
        statuses[order.status.value] += 1
        services[order.service] += 1
        elsewhere += order.may_be_there
        refund += rules.refund(kind, options, order)
        is_exact &= not order.parts
    shown = services.most_common(SERVICES_SHOWN_MAX)
    return Preview(
        due=statuses.total(),
        statuses=dict(statuses.most_common()),
        services=_with_names(shown),
        more_services=len(services) - len(shown),
        reasons=dict(reasons.most_common()),
        elsewhere=elsewhere,
        refund=refund,
        is_exact=is_exact,
        delivered=len(delivered),
        delivered_refund=sum((order.amount for order in delivered), Decimal(0)),
    )


def confirm(action: BulkAction, options: BulkOptions) -> bool:
    """Set a draft running with these options. Return False if the action is no draft any more."""
    stored = msgspec.to_builtins(options)
    drafts = BulkAction.objects.filter(pk=action.pk, state=BulkActionState.DRAFT.value)
    return bool(drafts.update(state=BulkActionState.RUNNING.value, options=stored, progressed_at=Now()))


def stop(action: int) -> bool:
    """Stop an action before its next batch. Return False if the action was not running."""
    running = BulkAction.objects.filter(pk=action, state=BulkActionState.RUNNING.value)
    return bool(running.update(state=BulkActionState.STOPPED.value, ended_at=Now()))


def delete_old_drafts() -> None:
    """Delete the drafts that staff did not confirm within `DRAFTS_KEPT`."""
    BulkAction.objects.filter(state=BulkActionState.DRAFT.value, created_at__lt=Now() - DRAFTS_KEPT).delete()


def _candidates(action: BulkAction, kind: BulkActionKind) -> list[rules.BulkCandidate]:
    ids = list(BulkOrder.objects.filter(action=action).values_list("order_id", flat=True))
    raw = engine_connection()
    return [
        order
        for start in range(0, len(ids), ORDERS_A_QUERY)
        for order in rules.load_candidates(raw, kind, ids[start : start + ORDERS_A_QUERY])
    ]


def _with_names(services: list[tuple[int, int]]) -> list[tuple[str, int]]:
    names = Service.objects.in_bulk([service for service, _ in services])
    return [(str(names.get(service, service)), count) for service, count in services]
