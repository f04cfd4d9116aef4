"""Record what a provider answered to orders, and pause what its refusals are about (docs/fulfilment.md, refusals).

Everything here happens in the transaction that records the outcomes. One worker at a time visits a provider, so nobody
else counts refusals of its routes.
"""

from collections.abc import Sequence

from psycopg import Connection, Cursor

from tradepost.engine import arrays, attempts, rerouting, route_pauses
from tradepost.engine.attempts import AttemptOutcome, AttemptResult
from tradepost.engine.dispatching import OutgoingOrder
from tradepost.engine.refusals import RefusalMeaning
from tradepost.engine.statuses import Dispatch
from tradepost.fulfilment.provider_errors import FUNDS_WAIT, Failure, failure_of
from tradepost.fulfilment.provider_pause import ERROR_CHARS_MAX, RELEASED_MAX
from tradepost.providers import refusals
from tradepost.providers.models import Provider
from tradepost_client import PanelError, Placed

_SHORT_OF_FUNDS = """
UPDATE providers_provider p
SET funds_limit = least(coalesce(CASE WHEN p.funds_retry_at > now() THEN p.funds_limit END, a.cost), a.cost),
    funds_retry_at = CASE WHEN p.funds_retry_at > now() THEN p.funds_retry_at ELSE now() + %s END,
    last_error = %s, pause_meaning = 'funds'
FROM (SELECT min(cost_expected) AS cost FROM orders_attempt
      WHERE (order_id, number) IN (SELECT * FROM unnest(%s::bigint[], %s::int[]))) AS a
WHERE p.id = %s AND a.cost IS NOT NULL
"""

# The provider has accepted an order that costs as much as one that it refused for want of money.
_FUNDS_ARE_BACK = """
UPDATE providers_provider p SET funds_limit = NULL, funds_retry_at = NULL
WHERE p.id = %s AND p.funds_limit <= (
    SELECT max(cost_expected) FROM orders_attempt
    WHERE (order_id, number) IN (SELECT * FROM unnest(%s::bigint[], %s::int[]))
)
"""

_UNEXPLAINED_BEFORE = """
SELECT count(*) FROM orders_attempt WHERE order_id = %s AND provider_service_id = %s AND meaning = 'unknown'
"""

type Answer = tuple[OutgoingOrder, Placed | PanelError]


def record(connection: Connection, provider: Provider, answered: Sequence[Answer]) -> None:
    """Record the answers to orders that were sent. The caller commits."""
    accepted = [(outgoing, answer) for outgoing, answer in answered if isinstance(answer, Placed)]
    errors = [(outgoing, answer) for outgoing, answer in answered if isinstance(answer, PanelError)]
    results = [
        AttemptResult(outgoing.order, outgoing.attempt, AttemptOutcome.SENT, str(answer.order))
        for outgoing, answer in accepted
    ]
    was_paused = route_pauses.note_accepted(connection, {outgoing.route for outgoing, _ in accepted})
    if accepted and provider.funds_limit is not None:
        _note_funds(connection, provider, [outgoing for outgoing, _ in accepted])
    if errors:
        said = refusals.known_texts(connection, provider.pk)
        results += _refused(connection, provider, [(each, failure_of(error, said)) for each, error in errors])
    attempts.record(connection, results)
    if was_paused:
        rerouting.release_held(connection, limit=RELEASED_MAX)


def _note_funds(connection: Connection, provider: Provider, accepted: Sequence[OutgoingOrder]) -> None:
    if Cursor(connection).execute(_FUNDS_ARE_BACK, [provider.pk, *_attempt_columns(accepted)]).rowcount:
        provider.funds_limit = None


def _refused(
    connection: Connection, provider: Provider, failures: Sequence[tuple[OutgoingOrder, Failure]]
) -> list[AttemptResult]:
    """Pause what the refusals are about, and return the results to record."""
    results = []
    for outgoing, failure in failures:
        if failure.meaning is RefusalMeaning.UNKNOWN:
            results += _unexplained(connection, provider, outgoing, failure)
            continue
        if failure.meaning is RefusalMeaning.SERVICE_OFF:
            route_pauses.pause(connection, outgoing.route, failure.meaning, failure.response)
        results.append(_result(outgoing, failure))
    short = [(each, failure) for each, failure in failures if failure.meaning is RefusalMeaning.FUNDS]
    if short:
        _pause_for_funds(connection, provider, [each for each, _ in short], short[-1][1].response)
    return results


def _pause_for_funds(connection: Connection, provider: Provider, orders: Sequence[OutgoingOrder], words: str) -> None:
    Cursor(connection).execute(
        _SHORT_OF_FUNDS, [FUNDS_WAIT, words[:ERROR_CHARS_MAX], *_attempt_columns(orders), provider.pk]
    )
    provider.refresh_from_db(fields=["funds_limit", "funds_retry_at", "last_error"])


def _unexplained(
    connection: Connection, provider: Provider, outgoing: OutgoingOrder, failure: Failure
) -> list[AttemptResult]:
    """Return the results of a refusal that nobody can explain.

    1. An order is tried again a few times: perhaps the trouble is not the order's.
    2. If refusals in a row hit several orders, the trouble is not the orders': the route is paused and all of them
       are held.
    3. If an order alone is refused each time, the refusal is about the order.
    """
    refusals.count_unknown(connection, provider.pk, failure.response)
    streak = route_pauses.count_unexplained(connection, outgoing.route, outgoing.order, failure.response)
    is_in_doubt = streak.refusals >= provider.unknown_refusals_max and len(streak.orders) >= route_pauses.ORDERS_MIN
    if is_in_doubt or streak.is_paused:
        route_pauses.pause(connection, outgoing.route, RefusalMeaning.UNKNOWN, failure.response)
        held = _result(outgoing, failure, AttemptOutcome.HELD)
        return [held, *_hold_others(connection, outgoing, streak.orders)]
    [(before,)] = Cursor(connection).execute(_UNEXPLAINED_BEFORE, [outgoing.order, outgoing.provider_service])
    if before + 1 < provider.unknown_refusals_max:
        return [_result(outgoing, failure)]
    return [
        AttemptResult(
            outgoing.order,
            outgoing.attempt,
            AttemptOutcome.DECLINED,
            response=failure.response,
            meaning=RefusalMeaning.ORDER,
        )
    ]


def _hold_others(connection: Connection, outgoing: OutgoingOrder, orders: Sequence[int]) -> list[AttemptResult]:
    """Hold the orders that the same refusals hit before, and that still wait at the same route."""
    others = [order for order in orders if order != outgoing.order]
    ways = attempts.dispatch_states(connection, others)
    return [
        AttemptResult(order, way.attempt_count, AttemptOutcome.HELD, response="held with the other orders of its route")
        for order, way in ways.items()
        if way.state == Dispatch.QUEUED and way.route == outgoing.route
    ]


def _result(outgoing: OutgoingOrder, failure: Failure, outcome: AttemptOutcome | None = None) -> AttemptResult:
    return AttemptResult(
        outgoing.order,
        outgoing.attempt,
        outcome or failure.outcome,
        response=failure.response,
        wait=failure.wait,
        meaning=failure.meaning,
    )


def _attempt_columns(orders: Sequence[OutgoingOrder]) -> list[str]:
    return [
        arrays.of_numbers(outgoing.order for outgoing in orders),
        arrays.of_numbers(outgoing.attempt for outgoing in orders),
    ]
