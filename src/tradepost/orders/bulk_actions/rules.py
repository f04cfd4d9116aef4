"""Which of the chosen orders a bulk action acts on, and how much it refunds for each.

The preview uses these rules on orders read without a lock; the executor uses them again once the orders are locked.
The engine decides last: if it doesn't allow a move, the order stays as it is.
"""

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, child_orders, link_rules, money, refilling
from tradepost.engine.order_texts import read_link
from tradepost.engine.statuses import ACTIVE, NOT_LEFT, SUBSCRIBED, TRANSITIONS, Dispatch, Status
from tradepost.ledger.payments import DeliveredOrder
from tradepost.orders.bulk_action_types import BulkActionKind, BulkOptions

UNSURE = "may exist at its provider: settle it on its own page"
DELIVERED = frozenset({Status.COMPLETED, Status.PARTIAL})  # and paid for: a refund of it is unusual (decision 63)
WAS_DELIVERED = "was delivered"


class BulkCandidate(msgspec.Struct, frozen=True):
    """The facts about an order that the rules need.

    Of a drip-feed's or subscription's `parts`, `made` exist. `is_running` means that more runs of a drip-feed are due.
    `obstacle` is why the action that they were loaded for can't act on the order, if rows of other tables decide that.
    """

    id: int
    service: int
    status: Status
    dispatch: Dispatch
    quantity: int
    remains: int
    charge: Decimal
    refunded: Decimal
    link: str
    link_pattern: str
    link_kind: str
    parts: int | None
    made: int
    is_running: bool
    obstacle: str = ""

    @property
    def was_delivered(self) -> bool:
        """Return whether the order has ended with a delivery that its customer has paid for."""
        return self.status in DELIVERED and not self.parts

    @property
    def has_not_left(self) -> bool:
        """Return whether nobody has begun to fulfil the order."""
        return self.status is Status.PENDING and self.dispatch in NOT_LEFT

    @property
    def may_be_there(self) -> bool:
        """Return whether the order exists at a provider, or may. There it goes on, whatever this desk does to it."""
        return self.dispatch in {Dispatch.SENT, Dispatch.UNSURE}

    @property
    def unused(self) -> Decimal:
        """The part of the charge that stands for runs or posts not made yet."""
        if not self.parts or not (self.is_running or self.status in SUBSCRIBED):
            return money.ZERO
        return child_orders.unused(self.charge, self.made, self.parts)


_CANDIDATES = """
SELECT o.id, o.service_id, o.status, o.dispatch, o.quantity, o.remains, o.charge, o.refunded, o.link, s.link_pattern,
       s.link_kind, o.parts,
       CASE WHEN o.parts IS NULL THEN 0 ELSE (SELECT count(*) FROM orders_order c WHERE c.parent_id = o.id) END,
       o.parts IS NOT NULL AND EXISTS (
           SELECT FROM orders_dripfeed d WHERE d.order_id = o.id AND d.due_at IS NOT NULL
       )
FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
WHERE o.id = ANY(%s::bigint[])
"""


_AT_PROVIDERS = "SELECT DISTINCT order_id FROM orders_attempt WHERE order_id = ANY(%s::bigint[]) AND upstream_id <> ''"


def load_candidates(connection: Connection, kind: BulkActionKind, orders: Collection[int]) -> list[BulkCandidate]:
    """Return the facts about the orders that exist, for an action of this kind, in no particular order."""
    find_obstacles = _OBSTACLES.get(kind)
    obstacles = find_obstacles(connection, orders) if find_obstacles else {}
    rows = Cursor(connection).execute(_CANDIDATES, [arrays.of_numbers(orders)])
    return [_candidate(*row, obstacles.get(row[0], "")) for row in rows]


def _candidate(id_: int, service: int, status: str, dispatch: str, *facts: Any) -> BulkCandidate:
    return BulkCandidate(id_, service, Status(status), Dispatch(dispatch), *facts)


def skip_reason(kind: BulkActionKind, options: BulkOptions, order: BulkCandidate) -> str:
    """Return why the action skips an order; "" if it acts on the order."""
    return _RULES[kind](options, order)


def is_offered(kind: BulkActionKind, order: BulkCandidate) -> bool:
    """Return whether there are options with which the action acts on the order: then its page has the button."""
    if kind is BulkActionKind.EDIT_LINK:
        return not _why_link_stays(order)
    options = BulkOptions(remains=1) if kind is BulkActionKind.PARTIAL else BulkOptions()
    return not skip_reason(kind, options, order)


def refund(kind: BulkActionKind, options: BulkOptions, order: BulkCandidate) -> Decimal:
    """Return the refund for an order that the action acts on. Waiting runs of a drip-feed are refunded in addition."""
    if kind is BulkActionKind.CANCEL:
        return order.unused if order.parts else order.charge - order.refunded
    if kind is BulkActionKind.PARTIAL:
        return money.share_of(order.charge, _remains(options, order), order.quantity)
    return order.unused if kind is BulkActionKind.COMPLETE else money.ZERO


def delivered_refunds(kind: BulkActionKind, options: BulkOptions, due: Sequence[BulkCandidate]) -> list[DeliveredOrder]:
    """Return what the action would refund of the due orders that were delivered, in id order."""
    if kind not in {BulkActionKind.CANCEL, BulkActionKind.PARTIAL}:
        return []
    delivered = sorted((order for order in due if order.was_delivered), key=lambda order: order.id)
    return [DeliveredOrder(order.id, refund(kind, options, order)) for order in delivered]


def _cancel(options: BulkOptions, order: BulkCandidate) -> str:
    if order.parts and order.status not in ACTIVE:
        return _is(order)
    return _out_of_reach(order) or _not_to(order, Status.CANCELED) or _why_delivered_stays(options, order)


def _partial(options: BulkOptions, order: BulkCandidate) -> str:
    if order.parts:
        return "is made of runs or posts: those end by themselves"
    reason = _out_of_reach(order) or _not_to(order, Status.PARTIAL)
    if reason:
        return reason
    remains = _remains(options, order)
    if remains > order.quantity:
        return "is for less than what is to remain"
    if not remains:
        return "has nothing left that remains"
    if remains == order.quantity:
        return "was not delivered at all: cancel it"
    return _why_delivered_stays(options, order)


def _complete(_options: BulkOptions, order: BulkCandidate) -> str:
    if order.dispatch is Dispatch.RUNS:
        return "is a drip-feed, which ends with its runs"
    return _out_of_reach(order) or _not_to(order, Status.COMPLETED)


def _refill(_options: BulkOptions, order: BulkCandidate) -> str:
    return order.obstacle


def _tell_provider(_options: BulkOptions, order: BulkCandidate) -> str:
    return order.obstacle


def _resend(_options: BulkOptions, order: BulkCandidate) -> str:
    if order.status not in ACTIVE:
        return _is(order)
    if order.dispatch is Dispatch.UNSURE:
        return UNSURE
    return "" if order.dispatch is Dispatch.REFUSED else "is not held"


def _why_link_stays(order: BulkCandidate) -> str:
    if not order.link or order.parts:
        return "has no link of its own to send"
    return "" if order.has_not_left else "has been begun or sent"


def _edit_link(options: BulkOptions, order: BulkCandidate) -> str:
    reason = _why_link_stays(order)
    if reason:
        return reason
    link = options.link_for(order.link)
    if link == order.link:
        return "would keep its link"
    rule = link_rules.compile_stored_rule(order.link_pattern, order.link_kind)
    if not link or read_link(link) != link or (rule and not rule.fullmatch(link)):
        return "would have a link that its service does not take"
    return ""


def _pause(_options: BulkOptions, order: BulkCandidate) -> str:
    return "" if order.status is Status.ACTIVE else "is no active subscription"


def _resume(_options: BulkOptions, order: BulkCandidate) -> str:
    return "" if order.status is Status.PAUSED else "is no paused subscription"


_RULES: dict[BulkActionKind, Callable[[BulkOptions, BulkCandidate], str]] = {
    BulkActionKind.CANCEL: _cancel,
    BulkActionKind.PARTIAL: _partial,
    BulkActionKind.COMPLETE: _complete,
    BulkActionKind.REFILL: _refill,
    BulkActionKind.TELL_PROVIDER: _tell_provider,
    BulkActionKind.RESEND: _resend,
    BulkActionKind.EDIT_LINK: _edit_link,
    BulkActionKind.PAUSE: _pause,
    BulkActionKind.RESUME: _resume,
}


def _refill_obstacles(connection: Connection, orders: Collection[int]) -> dict[int, str]:
    """Return why orders can't be refilled now: the same rules as for the customers' own requests."""
    refilled = refilling.with_open_refill(connection, orders)
    return {
        id_: _why_no_refill(order, is_refilled=id_ in refilled)
        for id_, order in refilling.look(connection, orders).items()
    }


def _why_no_refill(order: refilling.CompletedOrder, *, is_refilled: bool) -> str:
    if not order.refill:
        return "is of a service without refills"
    if order.has_parts:
        return "is made of runs or posts: refill those"
    if order.status != Status.COMPLETED:
        return f"is {order.status}"
    if is_refilled:
        return "has a refill that has not ended"
    return "" if order.is_eligible() else "is outside the time in which its service refills"


def _provider_obstacles(connection: Connection, orders: Collection[int]) -> dict[int, str]:
    known = {row[0] for row in Cursor(connection).execute(_AT_PROVIDERS, [arrays.of_numbers(orders)])}
    return dict.fromkeys(set(orders) - known, "has no id at a provider")


_OBSTACLES: dict[BulkActionKind, Callable[[Connection, Collection[int]], dict[int, str]]] = {
    BulkActionKind.REFILL: _refill_obstacles,
    BulkActionKind.TELL_PROVIDER: _provider_obstacles,
}

KINDS_WITH_OBSTACLES = frozenset(_OBSTACLES)


def _why_delivered_stays(options: BulkOptions, order: BulkCandidate) -> str:
    return WAS_DELIVERED if order.was_delivered and not options.refunds_delivered else ""


def _remains(options: BulkOptions, order: BulkCandidate) -> int:
    return order.remains if options.remains is None else options.remains


def _out_of_reach(order: BulkCandidate) -> str:
    """Return why a bulk action can't end the order; "" if it can.

    An unsure order may exist at its provider: staff must look at its evidence and settle it on its own page.
    """
    if order.status not in ACTIVE:
        return ""
    if order.dispatch is Dispatch.UNSURE:
        return UNSURE
    return "is being sent at this moment" if order.dispatch is Dispatch.SENDING else ""


def _not_to(order: BulkCandidate, status: Status) -> str:
    return "" if status in TRANSITIONS[order.status] else _is(order)


def _is(order: BulkCandidate) -> str:
    return f"is {order.status}"
