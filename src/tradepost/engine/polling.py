"""Following orders at a provider until they end (docs/architecture.md, orders).

The polling interval grows with an order's age. `next_batch` returns the orders to ask the provider about, the youngest
first. `apply_statuses` compares the provider's answers with its last ones and settles the orders that changed. An
unchanged order costs no lock and one read of the table of orders under way, which does not grow with history.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, routing
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.engine.refusals import ReviewReason
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import ACTIVE, Status
from tradepost.engine.subscriptions import Post, mirror_posts

ACTOR = "provider"
REMARK_CHARS_MAX = 200
SAID_CHARS_MAX = 300


class Age(msgspec.Struct, frozen=True):
    """Orders sent between `younger` and `older` ago are polled once in `every`."""

    younger: timedelta
    older: timedelta
    every: timedelta


AGES = (
    Age(timedelta(0), timedelta(minutes=10), every=timedelta(seconds=20)),
    Age(timedelta(minutes=10), timedelta(hours=2), every=timedelta(minutes=2)),
    Age(timedelta(hours=2), timedelta(days=1), every=timedelta(minutes=10)),
    Age(timedelta(days=1), timedelta(days=10_000), every=timedelta(hours=1)),
)


class PolledOrder(msgspec.Struct, frozen=True):
    """An order at a provider. `upstream_id` is the provider's id for the order."""

    order: int
    upstream_id: str


class UpstreamStatus(msgspec.Struct, frozen=True):
    """What a provider reports about an order.

    A field is None if the provider does not report it. `cost` is in the desk's currency. `error` is the provider's
    error message, in place of a status.
    """

    order: int
    status: Status | None = None
    start_count: int | None = None
    remains: int | None = None
    cost: Decimal | None = None
    error: str = ""
    posts: tuple[str, ...] = ()  # for a subscription: the provider's order ids of its posts, oldest first

    @property
    def words(self) -> str:
        """Everything but the cost, to compare with the provider's last answer."""
        return f"{self.status}|{self.start_count}|{self.remains}|{len(self.posts)}|{self.error}"[:SAID_CHARS_MAX]


def words_of(message: str) -> str:
    """Return the provider's words in a stored message (`UpstreamStatus.words`)."""
    return message.split("|", 4)[-1] if message else ""


class _KnownOrder(msgspec.Struct, frozen=True):
    order: int
    status: str
    start_count: int | None
    remains: int
    quantity: int
    ordered: int
    multiplier: Decimal
    parts: int | None

    def posts(self, seen: UpstreamStatus) -> list[Post]:
        """Return a subscription's posts. Providers don't report a post's quantity, so use the quantity paid for."""
        if self.parts is None:
            return []
        each = self.quantity // self.parts
        return [Post(self.order, part, "", each, id_) for part, id_ in enumerate(seen.posts, 1)]

    def review(self, seen: UpstreamStatus) -> ReviewReason:
        """Return why a person must look at the order, if the provider does not say enough to settle it.

        If the order is partial and the provider has never said how much remains, nobody knows what to refund.
        """
        if seen.error:
            return ReviewReason.STATUS
        is_untold = seen.remains is None and self.remains == self.quantity and self.parts is None
        if seen.status is Status.PARTIAL and self.status != Status.PARTIAL and is_untold:
            return ReviewReason.NO_REMAINS
        return ReviewReason.NONE

    def report(self, seen: UpstreamStatus) -> Report | None:
        """Return the report to settle; None if the provider reports no status or nothing new."""
        if seen.status is None or self.review(seen):
            return None
        remains = None
        if seen.remains is not None and self.parts is None:
            remains = routing.remains_of_ours(self.quantity, self.ordered, seen.remains, self.multiplier)
        start_count = None if seen.start_count is None else min(max(seen.start_count, 0), BIGINT_MAX)
        is_known = (
            seen.status == self.status
            and remains in {None, self.remains}
            and (start_count in {None, self.start_count} or (start_count == 0 and self.start_count is None))
        )
        return None if is_known else Report(self.order, seen.status, start_count, remains)


_ROUNDS = "SELECT age, started_at, cursor_at, cursor_order FROM providers_pollround WHERE provider_id = %s"

_BATCH = """
SELECT order_id, upstream_id, sent_at FROM orders_upstreamorder
WHERE provider_id = %s AND state = 'sent' AND (sent_at, order_id) < (%s, %s) AND sent_at >= %s
ORDER BY sent_at DESC, order_id DESC LIMIT %s
"""

_KEEP_ROUND = """
INSERT INTO providers_pollround (provider_id, age, started_at, cursor_at, cursor_order) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (provider_id, age) DO UPDATE
SET started_at = excluded.started_at, cursor_at = excluded.cursor_at, cursor_order = excluded.cursor_order
"""

# Most answers repeat the last one. This returns only the orders whose answer has changed.
_KNOWN = """
SELECT o.id, o.status, o.start_count, o.remains, o.quantity, u.quantity, u.multiplier, o.parts
FROM unnest(%s::bigint[], %s::text[]) AS new (order_id, message)
JOIN orders_upstreamorder u ON u.order_id = new.order_id AND u.last_message <> new.message
JOIN orders_order o ON o.id = u.order_id
WHERE u.provider_id = %s AND u.state = 'sent'
"""

_KEEP_MESSAGES = """
UPDATE orders_upstreamorder u SET last_message = new.message, review_reason = new.review_reason
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (order_id, message, review_reason)
WHERE u.order_id = new.order_id
"""

_REMARK = """
INSERT INTO orders_orderevent (order_id, account_id, actor, from_status, to_status, from_dispatch, to_dispatch, note)
SELECT o.id, o.account_id, %s, o.status, o.status, o.dispatch, o.dispatch, new.remark
FROM unnest(%s::bigint[], %s::text[]) AS new (order_id, remark) JOIN orders_order o ON o.id = new.order_id
"""

_COST = """
UPDATE orders_attempt a SET cost = told.cost
FROM unnest(%s::bigint[], %s::numeric[]) AS told (order_id, cost)
WHERE a.order_id = told.order_id AND a.state = 'sent'
"""


def next_batch(connection: Connection, provider: int, *, limit: int) -> list[PolledOrder]:
    """Return the next orders to ask the provider about, and save the polling position. The caller commits."""
    now: datetime = Cursor(connection).execute("SELECT now()").fetchall()[0][0]
    rounds = {row[0]: row[1:] for row in Cursor(connection).execute(_ROUNDS, [provider], prepare=True)}
    for number, age in enumerate(AGES):
        started_at, cursor_at, cursor_order = rounds.get(number, (None, None, None))
        if cursor_at is None:
            if started_at and now < started_at + age.every:
                continue
            started_at, cursor_at, cursor_order = now, now - age.younger, BIGINT_MAX
        wanted = [provider, cursor_at, cursor_order, started_at - age.older, limit]
        rows = Cursor(connection).execute(_BATCH, wanted, prepare=True).fetchall()
        is_over = len(rows) < limit
        goes_on_before = (None, None) if is_over else (rows[-1][2], rows[-1][0])
        Cursor(connection).execute(_KEEP_ROUND, [provider, number, started_at, *goes_on_before], prepare=True)
        if rows:
            return [PolledOrder(order, upstream_id) for order, upstream_id, _ in rows]
    return []


def apply_statuses(connection: Connection, provider: int, seen: Sequence[UpstreamStatus]) -> int:
    """Settle what a provider reports about its orders, and return how many orders changed.

    Ignore orders that are not at this provider. If the reported status is not allowed (it goes backwards) or the
    provider reports an error, write a remark once and leave the order as it is. If the provider does not say enough,
    the order waits for a person (`ReviewReason`) until it does.
    """
    told = {each.order: each.words for each in seen}
    columns = [arrays.of_numbers(told), arrays.of_texts(told.values())]
    known = {
        row[0]: _KnownOrder(*row) for row in Cursor(connection).execute(_KNOWN, [*columns, provider], prepare=True)
    }
    said = [each for each in seen if each.order in known]
    if not said:
        return 0
    posts = [post for each in said for post in known[each.order].posts(each)]
    if posts:
        mirror_posts(connection, posts)
    reports = [report for each in said if (report := known[each.order].report(each))]
    outcomes = settle(connection, reports, actor=ACTOR) if reports else []
    refused = {
        report.order: f"the provider says {report.status.value}"
        for report, outcome in zip(reports, outcomes, strict=True)
        if outcome is SettleResult.NOT_ALLOWED
    }
    refused |= {each.order: f"the provider says: {each.error}" for each in said if each.error}
    reviews = {each.order: known[each.order].review(each) for each in said}
    refused |= {
        order: "the provider says Partial, and not how much remains"
        for order, review in reviews.items()
        if review is ReviewReason.NO_REMAINS
    }
    _remark(connection, refused)
    columns = [arrays.of_numbers(reviews), arrays.of_texts(told[order] for order in reviews)]
    Cursor(connection).execute(_KEEP_MESSAGES, [*columns, arrays.of_texts(reviews.values())], prepare=True)
    over = [each for each in said if each.status and each.status not in ACTIVE and each.cost is not None]
    if over:
        costs = arrays.of_numbers(each.cost for each in over)
        Cursor(connection).execute(_COST, [arrays.of_numbers(each.order for each in over), costs], prepare=True)
    return outcomes.count(SettleResult.SETTLED)


def _remark(connection: Connection, remarks: dict[int, str]) -> None:
    if remarks:
        texts = arrays.of_texts(text[:REMARK_CHARS_MAX] for text in remarks.values())
        Cursor(connection).execute(_REMARK, [ACTOR, arrays.of_numbers(remarks), texts], prepare=True)
