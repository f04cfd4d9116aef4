"""Which of the chosen orders a bulk action acts on, and how much it refunds for each.

The preview uses these rules on orders read without a lock; the executor uses them again once the orders are locked.
The engine decides last: if it doesn't allow a move, the order stays as it is.
"""

from collections.abc import Callable, Collection
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, child_orders, link_rules, money
from tradepost.engine.order_texts import read_link
from tradepost.engine.statuses import ACTIVE, NOT_LEFT, SUBSCRIBED, TRANSITIONS, Dispatch, Status
from tradepost.orders.bulk_action_types import BulkActionKind, BulkOptions

UNSURE = "may exist at its provider: settle it on its own page"


class BulkCandidate(msgspec.Struct, frozen=True):
    """The facts about an order that the rules need.

    Of a drip-feed's or subscription's `parts`, `made` exist. `is_running` means that more runs of a drip-feed are due.
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


def load_candidates(connection: Connection, orders: Collection[int]) -> list[BulkCandidate]:
    """Return the facts about the orders that exist, in no particular order."""
    rows = Cursor(connection).execute(_CANDIDATES, [arrays.of_numbers(orders)])
    return [BulkCandidate(row[0], row[1], Status(row[2]), Dispatch(row[3]), *row[4:]) for row in rows]


def skip_reason(kind: BulkActionKind, options: BulkOptions, order: BulkCandidate) -> str:
    """Return why the action skips an order; "" if it acts on the order."""
    return _RULES[kind](options, order)


def refund(kind: BulkActionKind, options: BulkOptions, order: BulkCandidate) -> Decimal:
    """Return the refund for an order that the action acts on. Waiting runs of a drip-feed are refunded in addition."""
    if kind is BulkActionKind.CANCEL:
        return order.unused if order.parts else order.charge - order.refunded
    if kind is BulkActionKind.PARTIAL:
        return money.share_of(order.charge, _remains(options, order), order.quantity)
    return order.unused if kind is BulkActionKind.COMPLETE else money.ZERO


def _cancel(_options: BulkOptions, order: BulkCandidate) -> str:
    if order.parts and order.status not in ACTIVE:
        return _is(order)
    return _out_of_reach(order) or _not_to(order, Status.CANCELED)


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
    return "was not delivered at all: cancel it" if remains == order.quantity else ""


def _complete(_options: BulkOptions, order: BulkCandidate) -> str:
    if order.dispatch is Dispatch.RUNS:
        return "is a drip-feed, which ends with its runs"
    return _out_of_reach(order) or _not_to(order, Status.COMPLETED)


def _resend(_options: BulkOptions, order: BulkCandidate) -> str:
    if order.status not in ACTIVE:
        return _is(order)
    if order.dispatch is Dispatch.UNSURE:
        return UNSURE
    return "" if order.dispatch is Dispatch.REFUSED else "is not held"


def _edit_link(options: BulkOptions, order: BulkCandidate) -> str:
    if not order.link or order.parts:
        return "has no link of its own to send"
    if not order.has_not_left:
        return "has been begun or sent"
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
    BulkActionKind.RESEND: _resend,
    BulkActionKind.EDIT_LINK: _edit_link,
    BulkActionKind.PAUSE: _pause,
    BulkActionKind.RESUME: _resume,
}


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
