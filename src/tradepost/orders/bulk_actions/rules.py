"""Which of the orders chosen are acted on, and what for each is given back.

The same rules make the preview, from what is read without a lock, and decide once the orders are locked. The engine has
the last word: what it doesn't allow changes nothing.
"""

from collections.abc import Callable, Collection
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, child_orders, link_rules, money
from tradepost.engine.statuses import ACTIVE, NOT_LEFT, SUBSCRIBED, TRANSITIONS, Dispatch, Status
from tradepost.orders.bulk_action_types import BulkActionKind, BulkOptions

UNSURE = "may exist at its provider: settle it on its own page"


class Facts(msgspec.Struct, frozen=True):
    """What is to be known of an order. `made` of its `parts` are there, and `is_running` says that more will be."""

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
    parts: int | None
    made: int
    is_running: bool

    @property
    def has_not_left(self) -> bool:
        """Tell whether nobody has begun to fulfil it."""
        return self.status is Status.PENDING and self.dispatch in NOT_LEFT

    @property
    def may_be_there(self) -> bool:
        """Tell whether it exists at a provider, or may, where it goes on whatever is done about it here."""
        return self.dispatch in {Dispatch.SENT, Dispatch.UNSURE}

    @property
    def unused(self) -> Decimal:
        """What the runs or posts stand for that are not made yet."""
        if not self.parts or not (self.is_running or self.status in SUBSCRIBED):
            return money.ZERO
        return child_orders.unused(self.charge, self.made, self.parts)


_FACTS = """
SELECT o.id, o.service_id, o.status, o.dispatch, o.quantity, o.remains, o.charge, o.refunded, o.link, s.link_pattern,
       o.parts,
       CASE WHEN o.parts IS NULL THEN 0 ELSE (SELECT count(*) FROM orders_order c WHERE c.parent_id = o.id) END,
       o.parts IS NOT NULL AND EXISTS (
           SELECT FROM orders_dripfeed d WHERE d.order_id = o.id AND d.due_at IS NOT NULL
       )
FROM orders_order o JOIN catalog_service s ON s.id = o.service_id
WHERE o.id = ANY(%s::bigint[])
"""


def facts(connection: Connection, orders: Collection[int]) -> list[Facts]:
    """Read what is to be known of orders, those of them that exist."""
    rows = Cursor(connection).execute(_FACTS, [arrays.of_numbers(orders)])
    return [Facts(row[0], row[1], Status(row[2]), Dispatch(row[3]), *row[4:]) for row in rows]


def why_not(kind: BulkActionKind, options: BulkOptions, order: Facts) -> str:
    """Say why an order is left as it is; empty if it is acted on."""
    return _RULES[kind](options, order)


def refund(kind: BulkActionKind, options: BulkOptions, order: Facts) -> Decimal:
    """Return what is given back for an order that is acted on; runs of a drip-feed that wait come on top of it."""
    if kind is BulkActionKind.CANCEL:
        return order.unused if order.parts else order.charge - order.refunded
    if kind is BulkActionKind.PARTIAL:
        return money.share_of(order.charge, _remains(options, order), order.quantity)
    return order.unused if kind is BulkActionKind.COMPLETE else money.ZERO


def _cancel(_options: BulkOptions, order: Facts) -> str:
    if order.parts and order.status not in ACTIVE:
        return _is(order)
    return _out_of_reach(order) or _not_to(order, Status.CANCELED)


def _partial(options: BulkOptions, order: Facts) -> str:
    if order.parts:
        return "is made of runs or posts: those end by themselves"
    cant = _out_of_reach(order) or _not_to(order, Status.PARTIAL)
    if cant:
        return cant
    remains = _remains(options, order)
    if remains > order.quantity:
        return "is for less than what is to remain"
    if not remains:
        return "has nothing left that remains"
    return "was not delivered at all: cancel it" if remains == order.quantity else ""


def _complete(_options: BulkOptions, order: Facts) -> str:
    if order.dispatch is Dispatch.RUNS:
        return "is a drip-feed, which ends with its runs"
    return _out_of_reach(order) or _not_to(order, Status.COMPLETED)


def _resend(_options: BulkOptions, order: Facts) -> str:
    if order.status not in ACTIVE:
        return _is(order)
    if order.dispatch is Dispatch.UNSURE:
        return UNSURE
    return "" if order.dispatch is Dispatch.REFUSED else "is not held"


def _edit_link(options: BulkOptions, order: Facts) -> str:
    if not order.link or order.parts:
        return "has no link of its own to send"
    if not order.has_not_left:
        return "has been begun or sent"
    link = options.link_for(order.link)
    if link == order.link:
        return "would keep its link"
    rule = link_rules.compile_stored_rule(order.link_pattern)
    if not link.strip() or (rule and not rule.fullmatch(link)):
        return "would have a link that its service does not take"
    return ""


def _pause(_options: BulkOptions, order: Facts) -> str:
    return "" if order.status is Status.ACTIVE else "is no active subscription"


def _resume(_options: BulkOptions, order: Facts) -> str:
    return "" if order.status is Status.PAUSED else "is no paused subscription"


_RULES: dict[BulkActionKind, Callable[[BulkOptions, Facts], str]] = {
    BulkActionKind.CANCEL: _cancel,
    BulkActionKind.PARTIAL: _partial,
    BulkActionKind.COMPLETE: _complete,
    BulkActionKind.RESEND: _resend,
    BulkActionKind.EDIT_LINK: _edit_link,
    BulkActionKind.PAUSE: _pause,
    BulkActionKind.RESUME: _resume,
}


def _remains(options: BulkOptions, order: Facts) -> int:
    return order.remains if options.remains is None else options.remains


def _out_of_reach(order: Facts) -> str:
    """Say why it can't be ended here: a wrong guess about what may exist there is for whoever sees the evidence."""
    if order.status not in ACTIVE:
        return ""
    if order.dispatch is Dispatch.UNSURE:
        return UNSURE
    return "is being sent at this moment" if order.dispatch is Dispatch.SENDING else ""


def _not_to(order: Facts, status: Status) -> str:
    return "" if status in TRANSITIONS[order.status] else _is(order)


def _is(order: Facts) -> str:
    return f"is {order.status}"
