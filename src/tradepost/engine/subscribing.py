"""Subscriptions: whoever fulfils one watches for new posts; each post it serves is mirrored as an order of its own.

The subscription is charged for all its posts when it is placed, each at `max`; at its end those that never came are
given back (`settling`). A post's order stands for its share of the charge (`parts`).
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, orders, parts
from tradepost.engine.placing import Mode
from tradepost.engine.statuses import SUBSCRIBED, Dispatch


class Post(msgspec.Struct, frozen=True):
    """The `part`th post, from 1, that a subscription serves, and how much that post is to get."""

    subscription: int
    part: int
    link: str
    quantity: int


_MIRROR = """
INSERT INTO orders_order (account_id, service_id, key_id, mode, link, quantity, remains, rate, charge, dispatch,
                          parent_id, part)
SELECT p.account_id, p.service_id, p.key_id, %s, new.link, new.quantity, new.quantity, p.rate, new.charge, p.dispatch,
       p.id, new.part
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::numeric[])
  AS new (parent_id, part, link, quantity, charge)
JOIN orders_order p ON p.id = new.parent_id
ORDER BY p.id, new.part
"""

# Whoever watches a subscription elsewhere ends it there; ours are ended here.
_EXPIRED = """
SELECT id FROM orders_order
WHERE status = ANY(%s) AND dispatch = ANY(%s)
  AND to_date(fields->>'expiry', 'DD/MM/YYYY') < (now() AT TIME ZONE 'UTC')::date
ORDER BY id LIMIT %s
"""


def mirror(connection: Connection, posts: Sequence[Post]) -> int:
    """Write an order for each post that is its subscription's next one, and return how many were.

    Posts mirrored before, those of a subscription that is over, and those beyond what was paid for are left out.
    """
    subscriptions = orders.lock(connection, {post.subscription for post in posts})
    made = parts.made(connection, [id_ for id_, order in subscriptions.items() if order.status in SUBSCRIBED])
    new: list[tuple[Post, Decimal]] = []
    for post in posts:
        order = subscriptions.get(post.subscription)
        if order and order.parts and made.get(order.id) == post.part - 1 < order.parts:
            made[order.id] = post.part
            new.append((post, parts.share(order.charge, post.part, order.parts)))
    if new:
        _write(connection, new)
    return len(new)


def expired(connection: Connection, *, limit: int) -> list[int]:
    """Return subscriptions of ours that have passed their last day, in UTC."""
    ours = [Dispatch.NONE.value, Dispatch.SIMULATED.value]
    rows = Cursor(connection).execute(_EXPIRED, [list(SUBSCRIBED), ours, limit])
    return [row[0] for row in rows]


def _write(connection: Connection, new: Sequence[tuple[Post, Decimal]]) -> None:
    columns = [
        arrays.of_numbers(post.subscription for post, _ in new),
        arrays.of_numbers(post.part for post, _ in new),
        arrays.of_texts(post.link for post, _ in new),
        arrays.of_numbers(post.quantity for post, _ in new),
        arrays.of_numbers(charge for _, charge in new),
    ]
    Cursor(connection).execute(_MIRROR, [Mode.POST.value, *columns], prepare=True)
