"""The outcomes of attempts to place orders with providers (docs/architecture.md, orders).

- Sent: the order exists at the provider, under the id that it returned.
- Declined: the order definitely does not exist there. The next route is tried. If there is none, the order is
  `refused`, and canceled or held, as the service is set.
- Later: the order definitely does not exist there yet. It stays queued.
- Elsewhere: as later, but another route that is open is tried first.
- Held: as elsewhere, but if no other route is open, the order is `refused` and waits for a person.
- Unsure: anything else.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from enum import StrEnum

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, dispatch_queue, orders
from tradepost.engine.orders import Move, Order
from tradepost.engine.refusals import RefusalMeaning, ReviewReason
from tradepost.engine.routing import OnRefusal
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Dispatch, Status

ACTOR = "dispatch"
REFUSED = "refused by its provider: "  # the provider's response follows
RESPONSE_CHARS_MAX = 4_000
AT_ONCE = timedelta(0)
ASK_AGAIN = timedelta(seconds=30)  # until an unsure order is sent again, if its provider takes idempotency keys


class AttemptOutcome(StrEnum):
    SENT = "sent"
    DECLINED = "declined"  # definitely not taken: the next route may be tried
    LATER = "later"  # definitely not taken now, but the provider may take it later
    ELSEWHERE = "elsewhere"  # definitely not taken now: another open route may be tried, or this one later
    HELD = "held"  # definitely not taken, and nobody knows why: another open route may be tried, or a person decides
    UNSURE = "unsure"


class AttemptResult(msgspec.Struct, frozen=True):
    """The outcome of an attempt, with the provider's response. `upstream_id` is the provider's id of the order.

    `meaning` says what a refusal is about. A refusal without a meaning is final.
    """

    order: int
    attempt: int
    outcome: AttemptOutcome
    upstream_id: str = ""
    response: str = ""
    wait: timedelta = AT_ONCE  # until the order is sent again
    meaning: RefusalMeaning | None = None


class DispatchState(msgspec.Struct, frozen=True):
    """The dispatch state of an order, whose row is locked."""

    order: int
    provider: int
    route: int
    state: str
    attempt_count: int
    on_refusal: str

    def waits_for(self, result: "AttemptResult") -> bool:
        """Return whether to apply this result: it must be of the last attempt, and the order not sent yet.

        If the order is queued or refused, only outcomes of orders that do not exist at the provider apply.
        """
        if self.attempt_count != result.attempt:
            return False
        if self.state in {Dispatch.QUEUED, Dispatch.REFUSED}:
            return result.outcome not in {AttemptOutcome.SENT, AttemptOutcome.UNSURE}
        return self.state != Dispatch.SENT

    def stays(self, result: "AttemptResult") -> bool:
        """Return whether the order is held already, and stays so for the reason that it has."""
        return self.state == Dispatch.REFUSED and result.outcome is AttemptOutcome.HELD


_DISPATCH_STATES = """
SELECT u.order_id, u.provider_id, u.route_id, u.state, u.attempt_count, s.on_refusal
FROM orders_upstreamorder u JOIN orders_order o ON o.id = u.order_id JOIN catalog_service s ON s.id = o.service_id
WHERE u.order_id = ANY(%s::bigint[])
"""

_KNOWN_THERE = """
SELECT a.upstream_id FROM orders_attempt a
WHERE a.provider_id = %s AND a.upstream_id = ANY(%s::text[])
"""

_COMPLETE_ATTEMPTS = """
UPDATE orders_attempt a SET state = new.state, upstream_id = new.upstream_id, response = new.response,
    meaning = new.meaning, answered_at = now()
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
  AS new (order_id, number, state, upstream_id, response, meaning)
WHERE a.order_id = new.order_id AND a.number = new.number AND a.state IN ('sending', 'unsure')
"""

_MOVE = """
UPDATE orders_upstreamorder u
SET state = new.state, upstream_id = new.upstream_id, due_at = now() + make_interval(secs => new.wait),
    sent_at = CASE WHEN new.state = 'sent' THEN now() END, review_reason = new.review_reason
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::float8[], %s::text[])
  AS new (order_id, state, upstream_id, wait, review_reason)
WHERE u.order_id = new.order_id
"""

# Takes the first route that has not refused the order for good: an open one, if there is one. With `needs_open`, takes
# no other than an open one. A route that has refused the order before is not tried before `wait` is over: two routes
# that both refuse an order for now would pass it to and fro.
_NEXT_ROUTE = f"""
UPDATE orders_upstreamorder u
SET route_id = next.route_id, provider_id = next.provider_id, state = 'queued', review_reason = '',
    due_at = now() + make_interval(secs => next.wait)
FROM (
    SELECT DISTINCT ON (refused.order_id) refused.order_id, r.id AS route_id, p.provider_id,
           CASE WHEN EXISTS (
               SELECT FROM orders_attempt a WHERE a.order_id = o.id AND a.provider_service_id = p.id
           ) THEN refused.wait ELSE 0 END AS wait
    FROM unnest(%s::bigint[], %s::bool[], %s::float8[]) AS refused (order_id, needs_open, wait)
    JOIN orders_order o ON o.id = refused.order_id
    JOIN orders_upstreamorder now_at ON now_at.order_id = o.id
    JOIN providers_route r ON r.service_id = o.service_id AND r.is_active AND r.id <> now_at.route_id
    JOIN providers_providerservice p ON p.id = r.provider_service_id AND NOT p.is_delisted
    CROSS JOIN LATERAL (SELECT {dispatch_queue.IS_OPEN} AS is_open) AS state
    WHERE (state.is_open OR NOT refused.needs_open) AND {dispatch_queue.not_refused("o.id")}
    ORDER BY refused.order_id, state.is_open DESC, r.position, r.id
) AS next
WHERE u.order_id = next.order_id
RETURNING u.order_id, u.provider_id
"""


def record(connection: Connection, results: Sequence[AttemptResult], *, actor: str = ACTOR) -> None:
    """Apply the outcomes of attempts. If an order has ended, only store the provider's response."""
    if not results:
        return
    locked = orders.lock(connection, {result.order for result in results})
    ways = dispatch_states(connection, locked)
    results = _without_wrong_ids(connection, results, ways)
    _complete_attempts(connection, results)
    live = [each for each in results if (way := ways.get(each.order)) and way.waits_for(each)]
    onwards = _next_routes(connection, [each for each in live if each.outcome in _TRY_OTHER_ROUTES])
    moves: list[Move] = []
    for result in live:
        moves += _moves(locked[result.order], result, has_route=result.order in onwards)
    if moves:
        changed = {move.order.id: move.order for move in moves}
        orders.write(connection, list(changed.values()), moves, actor=actor)
    _move(connection, [each for each in live if each.order not in onwards and not ways[each.order].stays(each)])
    canceled = [
        Report(each.order, Status.CANCELED, note=f"{REFUSED}{each.response}")
        for each in live
        if each.outcome is AttemptOutcome.DECLINED
        and each.order not in onwards
        and ways[each.order].on_refusal == OnRefusal.CANCEL
    ]
    if canceled:
        settle(connection, canceled, actor=actor)


def dispatch_states(connection: Connection, locked: Collection[int]) -> dict[int, DispatchState]:
    """Return the states of these locked orders, by order. Ended orders and those without a provider are left out."""
    rows = Cursor(connection).execute(_DISPATCH_STATES, [arrays.of_numbers(locked)], prepare=True)
    return {row[0]: DispatchState(*row) for row in rows}


def _moves(order: Order, result: AttemptResult, *, has_route: bool) -> list[Move]:
    """Return the moves for an outcome. If a refused order has another route, queue it again."""
    to = Dispatch.QUEUED if has_route else _STATES[result.outcome]
    return [] if order.dispatch is to else [orders.move_dispatch(order, to, result.response)]


def _without_wrong_ids(
    connection: Connection, results: Sequence[AttemptResult], ways: dict[int, DispatchState]
) -> list[AttemptResult]:
    """If a provider returned the id of another order, make that result UNSURE. A provider's ids are unique."""
    by_provider: dict[int, list[str]] = {}
    for each in results:
        if each.outcome is AttemptOutcome.SENT and each.order in ways:
            by_provider.setdefault(ways[each.order].provider, []).append(each.upstream_id)
    taken = {
        (provider, id_)
        for provider, ids in by_provider.items()
        for id_ in known_upstream_ids(connection, provider, ids)
    }
    checked = []
    for each in results:
        way = ways.get(each.order)
        if each.outcome is AttemptOutcome.SENT and way:
            if (way.provider, each.upstream_id) in taken:
                response = f"answered with the id of another order, {each.upstream_id}: {each.response}"
                checked.append(AttemptResult(each.order, each.attempt, AttemptOutcome.UNSURE, "", response))
                continue
            taken.add((way.provider, each.upstream_id))
        checked.append(each)
    return checked


def known_upstream_ids(connection: Connection, provider: int, upstream_ids: Sequence[str]) -> set[str]:
    """Return the ids that this provider has already given to other orders."""
    rows = Cursor(connection).execute(_KNOWN_THERE, [provider, arrays.of_texts(upstream_ids)], prepare=True)
    return {row[0] for row in rows}


_ATTEMPT_STATES = {
    AttemptOutcome.SENT: Dispatch.SENT,
    AttemptOutcome.LATER: Dispatch.REFUSED,
    AttemptOutcome.ELSEWHERE: Dispatch.REFUSED,
    AttemptOutcome.HELD: Dispatch.REFUSED,
    AttemptOutcome.DECLINED: Dispatch.REFUSED,
    AttemptOutcome.UNSURE: Dispatch.UNSURE,
}
_STATES = {**_ATTEMPT_STATES, AttemptOutcome.LATER: Dispatch.QUEUED, AttemptOutcome.ELSEWHERE: Dispatch.QUEUED}
_TRY_OTHER_ROUTES = {AttemptOutcome.DECLINED, AttemptOutcome.ELSEWHERE, AttemptOutcome.HELD}


def _complete_attempts(connection: Connection, results: Sequence[AttemptResult]) -> None:
    columns = [
        arrays.of_numbers(each.order for each in results),
        arrays.of_numbers(each.attempt for each in results),
        arrays.of_texts(_ATTEMPT_STATES[each.outcome] for each in results),
        arrays.of_texts(each.upstream_id or None for each in results),
        arrays.of_texts(each.response[:RESPONSE_CHARS_MAX] for each in results),
        arrays.of_texts(each.meaning or "" for each in results),
    ]
    Cursor(connection).execute(_COMPLETE_ATTEMPTS, columns, prepare=True)


def _next_routes(connection: Connection, refused: Sequence[AttemptResult]) -> set[int]:
    """Queue refused orders for their next route; return the orders that have one."""
    if not refused:
        return set()
    columns = [
        arrays.of_numbers(each.order for each in refused),
        arrays.of_flags(each.outcome is not AttemptOutcome.DECLINED for each in refused),
        [each.wait.total_seconds() for each in refused],
    ]
    rows = Cursor(connection).execute(_NEXT_ROUTE, columns, prepare=True).fetchall()
    dispatch_queue.defer_visits(connection, {provider for _, provider in rows})
    return {order for order, _ in rows}


def _move(connection: Connection, results: Sequence[AttemptResult]) -> None:
    if not results:
        return
    waits = [max(ASK_AGAIN, each.wait) if each.outcome is AttemptOutcome.UNSURE else each.wait for each in results]
    columns = [
        arrays.of_numbers(each.order for each in results),
        arrays.of_texts(_STATES[each.outcome] for each in results),
        arrays.of_texts(each.upstream_id for each in results),
        [wait.total_seconds() for wait in waits],
        arrays.of_texts(
            ReviewReason.UNEXPLAINED if each.outcome is AttemptOutcome.HELD else ReviewReason.NONE for each in results
        ),
    ]
    Cursor(connection).execute(_MOVE, columns, prepare=True)
