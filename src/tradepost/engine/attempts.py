"""The outcomes of attempts to place orders with providers (docs/architecture.md, orders).

- Sent: the order exists at the provider, under the id that it returned.
- Declined: the order definitely does not exist there. The next route is tried. If there is none, the order is
  `refused`, and canceled or held, as the service is set.
- Later: the order definitely does not exist there yet. It stays queued.
- Unsure: anything else.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from enum import StrEnum

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, dispatch_queue, orders
from tradepost.engine.orders import Move, Order
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
    UNSURE = "unsure"


class AttemptResult(msgspec.Struct, frozen=True):
    """The outcome of an attempt, with the provider's response. `upstream_id` is the provider's id of the order."""

    order: int
    attempt: int
    outcome: AttemptOutcome
    upstream_id: str = ""
    response: str = ""
    wait: timedelta = AT_ONCE  # for LATER


class DispatchState(msgspec.Struct, frozen=True):
    """The dispatch state of an order, whose row is locked."""

    order: int
    provider: int
    state: str
    attempt_count: int
    on_refusal: str

    def waits_for(self, result: "AttemptResult") -> bool:
        """Return whether to apply this result: it must be of the last attempt, and the order not sent yet.

        If the order is queued or refused, only DECLINED and LATER apply.
        """
        if self.attempt_count != result.attempt:
            return False
        if self.state in {Dispatch.QUEUED, Dispatch.REFUSED}:
            return result.outcome in {AttemptOutcome.DECLINED, AttemptOutcome.LATER}
        return self.state != Dispatch.SENT


_DISPATCH_STATES = """
SELECT u.order_id, u.provider_id, u.state, u.attempt_count, s.on_refusal
FROM orders_upstreamorder u JOIN orders_order o ON o.id = u.order_id JOIN catalog_service s ON s.id = o.service_id
WHERE u.order_id = ANY(%s::bigint[])
"""

_KNOWN_THERE = """
SELECT a.upstream_id FROM orders_attempt a
WHERE a.provider_id = %s AND a.upstream_id = ANY(%s::text[])
"""

_COMPLETE_ATTEMPTS = """
UPDATE orders_attempt a SET state = new.state, upstream_id = new.upstream_id, response = new.response,
    answered_at = now()
FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[])
  AS new (order_id, number, state, upstream_id, response)
WHERE a.order_id = new.order_id AND a.number = new.number AND a.state IN ('sending', 'unsure')
"""

_MOVE = """
UPDATE orders_upstreamorder u
SET state = new.state, upstream_id = new.upstream_id, due_at = now() + make_interval(secs => new.wait),
    sent_at = CASE WHEN new.state = 'sent' THEN now() END
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::float8[]) AS new (order_id, state, upstream_id, wait)
WHERE u.order_id = new.order_id
"""

# Takes the first route that has not been tried.
_NEXT_ROUTE = """
UPDATE orders_upstreamorder u
SET route_id = next.route_id, provider_id = next.provider_id, state = 'queued', due_at = now()
FROM (
    SELECT DISTINCT ON (o.id) o.id AS order_id, r.id AS route_id, p.provider_id
    FROM orders_order o
    JOIN providers_route r ON r.service_id = o.service_id AND r.is_active
    JOIN providers_providerservice p ON p.id = r.provider_service_id AND NOT p.is_delisted
    WHERE o.id = ANY(%s::bigint[]) AND NOT EXISTS (
        SELECT FROM orders_attempt a WHERE a.order_id = o.id AND a.provider_service_id = p.id
    )
    ORDER BY o.id, r.position, r.id
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
    onwards = _next_routes(connection, [each.order for each in live if each.outcome is AttemptOutcome.DECLINED])
    moves: list[Move] = []
    for result in live:
        moves += _moves(locked[result.order], result, has_route=result.order in onwards)
    if moves:
        changed = {move.order.id: move.order for move in moves}
        orders.write(connection, list(changed.values()), moves, actor=actor)
    _move(connection, [each for each in live if each.order not in onwards])
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
    """Return the moves for an outcome. If a declined order has another route, queue it again."""
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
    AttemptOutcome.DECLINED: Dispatch.REFUSED,
    AttemptOutcome.UNSURE: Dispatch.UNSURE,
}
_STATES = {**_ATTEMPT_STATES, AttemptOutcome.LATER: Dispatch.QUEUED}


def _complete_attempts(connection: Connection, results: Sequence[AttemptResult]) -> None:
    columns = [
        arrays.of_numbers(each.order for each in results),
        arrays.of_numbers(each.attempt for each in results),
        arrays.of_texts(_ATTEMPT_STATES[each.outcome] for each in results),
        arrays.of_texts(each.upstream_id or None for each in results),
        arrays.of_texts(each.response[:RESPONSE_CHARS_MAX] for each in results),
    ]
    Cursor(connection).execute(_COMPLETE_ATTEMPTS, columns, prepare=True)


def _next_routes(connection: Connection, declined: Sequence[int]) -> set[int]:
    """Queue declined orders for their next route; return the orders that have one."""
    if not declined:
        return set()
    rows = Cursor(connection).execute(_NEXT_ROUTE, [arrays.of_numbers(declined)], prepare=True).fetchall()
    dispatch_queue.defer_visits(connection, {provider for _, provider in rows})
    return {order for order, _ in rows}


def _move(connection: Connection, results: Sequence[AttemptResult]) -> None:
    if not results:
        return
    waits = [ASK_AGAIN if each.outcome is AttemptOutcome.UNSURE else each.wait for each in results]
    columns = [
        arrays.of_numbers(each.order for each in results),
        arrays.of_texts(_STATES[each.outcome] for each in results),
        arrays.of_texts(each.upstream_id for each in results),
        [wait.total_seconds() for wait in waits],
    ]
    Cursor(connection).execute(_MOVE, columns, prepare=True)
