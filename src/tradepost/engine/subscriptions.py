"""Subscriptions: the provider, simulator or staff watch for new posts, and each post they serve becomes a child order.

The customer pays for all posts, each at `max`, when the subscription is placed. When the subscription ends, the posts
that never came are refunded (`settling`). A post's order carries its share of the charge (`child_orders`).
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, child_orders, orders
from tradepost.engine.placing import Mode
from tradepost.engine.statuses import SUBSCRIBED, Dispatch


class Post(msgspec.Struct, frozen=True):
    """A post that a subscription serves. `part` is its number, from 1; `quantity` is what the post is to get.

    If a provider watches the subscription, `upstream_id` is the provider's id of the order for this post.
    """

    subscription: int
    part: int
    link: str
    quantity: int
    upstream_id: str = ""


_MIRROR = """
INSERT INTO orders_order (account_id, service_id, key_id, mode, link, quantity, remains, rate, charge, dispatch,
                          parent_id, part)
SELECT p.account_id, p.service_id, p.key_id, %s, new.link, new.quantity, new.quantity, p.rate, new.charge, p.dispatch,
       p.id, new.part
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::bigint[], %s::numeric[])
  AS new (parent_id, part, link, quantity, charge)
JOIN orders_order p ON p.id = new.parent_id
ORDER BY p.id, new.part
RETURNING id, parent_id, part
"""

# A post served by a provider is an order there, so it is followed like an order that was sent.
_AT_PROVIDER = """
WITH placed AS (
    SELECT new.order_id, u.account_id, u.provider_id, u.route_id, new.upstream_id, new.quantity
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[])
      AS new (order_id, parent_id, upstream_id, quantity)
    JOIN orders_upstreamorder u ON u.order_id = new.parent_id
), attempts AS (
    INSERT INTO orders_attempt (order_id, account_id, number, provider_id, provider_service_id, state, upstream_id,
                                quantity, answered_at)
    SELECT p.order_id, p.account_id, 1, p.provider_id, r.provider_service_id, 'sent', p.upstream_id, p.quantity, now()
    FROM placed p JOIN providers_route r ON r.id = p.route_id
)
INSERT INTO orders_upstreamorder (order_id, account_id, provider_id, route_id, state, attempt_count, upstream_id,
                                  quantity, sent_at)
SELECT order_id, account_id, provider_id, route_id, 'sent', 1, upstream_id, quantity, now() FROM placed
"""

# A provider ends the subscriptions that it watches. The desk ends those of the simulator and of staff.
_EXPIRED = """
SELECT id FROM orders_order
WHERE status = ANY(%s) AND dispatch = ANY(%s)
  AND to_date(fields->>'expiry', 'DD/MM/YYYY') < (now() AT TIME ZONE 'UTC')::date
ORDER BY id LIMIT %s
"""


def mirror_posts(connection: Connection, posts: Sequence[Post]) -> int:
    """Write an order for each post that is its subscription's next one, and return the number of orders.

    Ignore posts that already have an order, posts of a subscription that has ended, and posts beyond the number paid
    for.
    """
    subscriptions = orders.lock(connection, {post.subscription for post in posts})
    made = child_orders.count_parts(
        connection, [id_ for id_, order in subscriptions.items() if order.status in SUBSCRIBED]
    )
    new: list[tuple[Post, Decimal]] = []
    for post in posts:
        order = subscriptions.get(post.subscription)
        if order and order.parts and made.get(order.id) == post.part - 1 < order.parts:
            made[order.id] = post.part
            new.append((post, child_orders.share(order.charge, post.part, order.parts)))
    if new:
        _write(connection, new)
    return len(new)


def find_expired(connection: Connection, *, limit: int) -> list[int]:
    """Return up to `limit` simulated or manual subscriptions whose last day (UTC) has passed."""
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
    rows = Cursor(connection).execute(_MIRROR, [Mode.POST.value, *columns], prepare=True)
    orders_of = {(parent, part): order for order, parent, part in rows}
    there = [post for post, _ in new if post.upstream_id]
    if there:
        at_provider = [
            arrays.of_numbers(orders_of[post.subscription, post.part] for post in there),
            arrays.of_numbers(post.subscription for post in there),
            arrays.of_texts(post.upstream_id for post in there),
            arrays.of_numbers(post.quantity for post in there),
        ]
        Cursor(connection).execute(_AT_PROVIDER, at_provider, prepare=True)
