"""Edit the links of orders whose fulfilment has not begun.

1. Lock the orders in id order, and read their links.
2. Leave out the orders that have begun or were sent: our link must be the same as the provider's.
3. Write the links, and an event with the old link. If the service allows one active order per link, the unique key that
   refuses a second order also refuses the edit.
"""

from collections.abc import Sequence

import msgspec
from psycopg import Connection, Cursor
from psycopg.errors import UniqueViolation

from tradepost.engine import arrays, orders
from tradepost.engine.orders import Move, Order


class LinkEdit(msgspec.Struct, frozen=True):
    order: int
    link: str


_LINKS = "SELECT id, link, one_per_link FROM orders_order WHERE id = ANY(%s::bigint[])"

_WRITE = """
UPDATE orders_order o SET link = new.link, updated_at = now()
FROM unnest(%s::bigint[], %s::text[]) AS new (id, link) WHERE o.id = new.id
"""


def edit_links(connection: Connection, edits: Sequence[LinkEdit], *, actor: str) -> set[int]:
    """Change the links of orders; return the orders that were changed. Call this inside a transaction."""
    locked = orders.lock(connection, [edit.order for edit in edits])
    editable = [edit for edit in edits if _is_editable(locked.get(edit.order))]
    rows = Cursor(connection).execute(_LINKS, [arrays.of_numbers(edit.order for edit in editable)])
    before = {id_: (link, watched) for id_, link, watched in rows}
    free = [edit for edit in editable if not before[edit.order][1]]
    if free:
        _write(connection, free)
    done = free + [edit for edit in editable if before[edit.order][1] and _is_taken_in(connection, edit)]
    moves = [_note(locked[edit.order], before[edit.order][0]) for edit in done]
    if moves:
        orders.write(connection, [move.order for move in moves], moves, actor=actor)
    return {edit.order for edit in done}


def _is_editable(order: Order | None) -> bool:
    return order is not None and order.has_not_left and order.parts is None


def _write(connection: Connection, edits: Sequence[LinkEdit]) -> None:
    columns = [arrays.of_numbers(edit.order for edit in edits), arrays.of_texts(edit.link for edit in edits)]
    Cursor(connection).execute(_WRITE, columns, prepare=True)


def _is_taken_in(connection: Connection, edit: LinkEdit) -> bool:
    """Write the link of an order that must be the only active one with it; return False if there is another."""
    try:
        with connection.transaction():
            _write(connection, [edit])
    except UniqueViolation:
        return False
    return True


def _note(order: Order, was: str) -> Move:
    return Move(order, order.status, order.status, f"link was {was}")
