"""Record what a provider answered to orders, and pause what its refusals are about (docs/fulfilment.md, refusals).

Everything here happens in the transaction that records the outcomes. One worker at a time visits a provider, so nobody
else counts refusals of its routes.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
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
from tradepost_client import PanelError, Placed, Refused

MAY_EXIST_WAIT = timedelta(minutes=5)  # until an order that may exist is asked for again, after a refusal

# What one order may be refused for, though the provider, or the service (`SERVICE_OFF`), is not to blame.
_ABOUT_MORE_THAN_ONE = (
    RefusalMeaning.KEY,
    RefusalMeaning.ACCOUNT,
    RefusalMeaning.LIMIT,
    RefusalMeaning.SERVICE_OFF,
)

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

# The orders that were refused for the same reason before, and how often, if the provider has accepted others since then
# (along the same route, if one is given).
_ALONE = """
SELECT refused.order_id, count(*)
FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS refused (order_id, meaning, route_id)
JOIN orders_attempt a ON a.order_id = refused.order_id AND a.state = 'refused' AND a.meaning = refused.meaning
WHERE a.provider_id = %s AND EXISTS (
    SELECT FROM orders_upstreamorder u
    WHERE u.provider_id = a.provider_id AND u.state = 'sent' AND u.sent_at > a.answered_at
      AND (refused.route_id IS NULL OR u.route_id = refused.route_id)
)
GROUP BY refused.order_id
"""

_UNEXPLAINED_BEFORE = """
SELECT count(*) FROM orders_attempt WHERE order_id = %s AND provider_service_id = %s AND meaning = 'unknown'
"""

type Answer = tuple[OutgoingOrder, Placed | PanelError]


def record(connection: Connection, provider: Provider, answered: Sequence[Answer]) -> Mapping[int, int]:
    """Record the answers to orders that were sent. The caller commits.

    Return the orders whose refusals are about them alone, whatever they say: the provider accepts others.
    """
    accepted = [(outgoing, answer) for outgoing, answer in answered if isinstance(answer, Placed)]
    errors = [(outgoing, answer) for outgoing, answer in answered if isinstance(answer, PanelError)]
    results = [
        AttemptResult(outgoing.order, outgoing.attempt, AttemptOutcome.SENT, str(answer.order))
        for outgoing, answer in accepted
    ]
    was_paused = route_pauses.end(connection, {outgoing.route for outgoing, _ in accepted})
    if accepted and provider.funds_limit is not None:
        _note_funds(connection, provider, [outgoing for outgoing, _ in accepted])
    alone: Mapping[int, int] = {}
    if errors:
        said = refusals.known_texts(connection, provider.pk)
        failures = [(each, failure_of(error, said)) for each, error in errors]
        refused = [failure for failure, (_, error) in zip(failures, errors, strict=True) if isinstance(error, Refused)]
        alone = _alone(connection, provider, refused)
        results += _refused(connection, provider, [_with_own_wait(*each, alone) for each in failures], alone)
    attempts.record(connection, results)
    if was_paused:
        rerouting.release_held(connection, limit=RELEASED_MAX)
    return alone


def _alone(
    connection: Connection, provider: Provider, refused: Sequence[tuple[OutgoingOrder, Failure]]
) -> dict[int, int]:
    """Return the orders that alone are refused for something that is about all, and how often they were before."""
    doubtful = [(each, failure.meaning) for each, failure in refused if failure.meaning in _ABOUT_MORE_THAN_ONE]
    if not doubtful:
        return {}
    columns = [
        arrays.of_numbers(each.order for each, _ in doubtful),
        arrays.of_texts(meaning for _, meaning in doubtful),
        arrays.of_numbers(each.route if meaning is RefusalMeaning.SERVICE_OFF else None for each, meaning in doubtful),
    ]
    return dict(Cursor(connection).execute(_ALONE, [*columns, provider.pk]).fetchall())


def _with_own_wait(
    outgoing: OutgoingOrder, failure: Failure, alone: Mapping[int, int]
) -> tuple[OutgoingOrder, Failure]:
    """Let an order that alone is refused wait longer each time."""
    if outgoing.order not in alone:
        return outgoing, failure
    wait = min(route_pauses.OFF_WAIT * 2 ** min(alone[outgoing.order], 10), route_pauses.WAIT_MAX)
    return outgoing, msgspec.structs.replace(failure, wait=wait)


def _note_funds(connection: Connection, provider: Provider, accepted: Sequence[OutgoingOrder]) -> None:
    if Cursor(connection).execute(_FUNDS_ARE_BACK, [provider.pk, *_attempt_columns(accepted)]).rowcount:
        provider.funds_limit = None


def _refused(
    connection: Connection,
    provider: Provider,
    failures: Sequence[tuple[OutgoingOrder, Failure]],
    alone: Mapping[int, int],
) -> list[AttemptResult]:
    """Pause what the refusals are about, and return the results to record."""
    results = []
    for outgoing, failure in failures:
        if outgoing.may_exist and _proves_nothing(failure):
            results.append(_still_unsure(connection, provider, outgoing, failure))
            continue
        if failure.meaning is RefusalMeaning.UNKNOWN:
            results += _unexplained(connection, provider, outgoing, failure)
            continue
        if failure.meaning is RefusalMeaning.SERVICE_OFF and outgoing.order not in alone:
            route_pauses.pause(connection, outgoing.route, failure.meaning, failure.response)
        results.append(_result(outgoing, failure))
    short = [(each, failure) for each, failure in failures if failure.meaning is RefusalMeaning.FUNDS]
    if short:
        _pause_for_funds(connection, provider, [each for each, _ in short], short[-1][1].response)
    return results


def _proves_nothing(failure: Failure) -> bool:
    """Return whether the provider may have refused the request before it looked whether it has the order."""
    return failure.outcome is not AttemptOutcome.DECLINED and failure.meaning is not RefusalMeaning.FUNDS


def _still_unsure(
    connection: Connection, provider: Provider, outgoing: OutgoingOrder, failure: Failure
) -> AttemptResult:
    """Leave an order unsure: that asking again is refused does not show that the first request was."""
    if failure.meaning is RefusalMeaning.UNKNOWN:
        refusals.count_unknown(connection, provider.pk, failure.response)
    return AttemptResult(
        outgoing.order, outgoing.attempt, AttemptOutcome.UNSURE, response=failure.response, wait=MAY_EXIST_WAIT
    )


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
