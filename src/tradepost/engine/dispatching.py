"""Send orders to providers: never twice, and none is lost (docs/architecture.md, orders).

1. `claim` takes queued orders of a provider, sets them to `sending` and writes their attempts. The caller commits
   before it sends the first byte.
2. `attempts.record` applies the outcome of each attempt.
3. `abandon` finds orders that a worker left `sending` when it died. Their outcome is unknown, so they become `unsure`.

An unsure order is not sent again automatically: staff settle it (`confirm_sent`, `send_again`, or a cancel). The
exception is a provider that supports idempotency keys: the same request is sent again with the same key, which
can't buy twice (`claim_unsure`).
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from tradepost.engine import arrays, attempts, charges, dispatch_queue, orders, route_pauses, routing
from tradepost.engine.attempts import ACTOR, AttemptOutcome, AttemptResult
from tradepost.engine.order_types import RULES, OrderType, Quantity
from tradepost.engine.statuses import Dispatch


class OutgoingOrder(msgspec.Struct, frozen=True):
    """An order to send to a provider; its attempt is already written. `service` is the provider's id of the service.

    `may_exist` is set if an earlier attempt is unsure and this one repeats it under its key.
    """

    order: int
    attempt: int
    service: str
    parameters: dict[str, str]
    quantity: int
    provider_service: int
    route: int
    multiplier: Decimal
    counted: Quantity = Quantity.GIVEN
    may_exist: bool = False

    @property
    def rates(self) -> Decimal | None:
        """The factor for the provider's rate; None for a subscription, because the provider charges its posts."""
        if self.counted is Quantity.POSTS:
            return None
        return charges.rates(self.counted, self.quantity)


def _types(quantity: Quantity) -> str:
    """Return SQL: the order types whose quantity comes from there."""
    return ", ".join(sorted(f"'{type_.value}'" for type_, rule in RULES.items() if rule.quantity is quantity))


# What an order `o` of a service `s` costs at the provider `v`, in our currency; 0 for a subscription. The same as the
# `cost_expected` of its attempt.
_COST = f"""round(
    CASE WHEN s.type IN ({_types(Quantity.PACKAGE)}) THEN 1
         WHEN s.type IN ({_types(Quantity.POSTS)}) THEN 0
         WHEN s.type IN ({_types(Quantity.GIVEN)})
             THEN ceil(o.quantity * r.multiplier * (100 + r.overflow_percent) / 100) / 1000
         ELSE o.quantity::numeric / 1000 END * p.rate * v.exchange_rate, 5)"""

# The orders that are due, of each route in turn: so no route waits for another, however many orders wait there. A
# paused route is left out; when its pause is over, one order tries it. If the provider's balance is too low, the orders
# that cost less than the last one refused are tried, and those refused when their own wait is over.
# The limit is written out: for a parameter, PostgreSQL assumes a large one, and makes a new plan for every call.
_CLAIMABLE = f"""
WITH RECURSIVE waiting (route_id) AS (
    (SELECT route_id FROM orders_upstreamorder WHERE provider_id = %(provider)s AND state = 'queued'
     ORDER BY route_id LIMIT 1)
    UNION ALL
    SELECT (SELECT u.route_id FROM orders_upstreamorder u
            WHERE u.provider_id = %(provider)s AND u.state = 'queued' AND u.route_id > w.route_id
            ORDER BY u.route_id LIMIT 1)
    FROM waiting w WHERE w.route_id IS NOT NULL
), due AS (
    SELECT first.order_id, first.due_at, first.place
    FROM waiting w
    JOIN providers_route r ON r.id = w.route_id AND r.is_active
    JOIN providers_providerservice p ON p.id = r.provider_service_id
    JOIN providers_provider v ON v.id = p.provider_id
    JOIN catalog_service s ON s.id = r.service_id
    LEFT JOIN providers_routepause h ON h.route_id = r.id
    CROSS JOIN LATERAL (
        SELECT u.order_id, u.due_at, row_number() OVER (ORDER BY u.due_at, u.order_id) AS place
        FROM orders_upstreamorder u JOIN orders_order o ON o.id = u.order_id
        WHERE u.provider_id = %(provider)s AND u.route_id = r.id AND u.state = 'queued' AND u.due_at <= now()
          AND (v.funds_limit IS NULL OR v.funds_retry_at <= now() OR u.attempt_count > 0 OR {_COST} < v.funds_limit)
        ORDER BY u.due_at, u.order_id LIMIT {{limit}}
    ) AS first
    WHERE h.until IS NULL OR (h.until <= now() AND first.place = 1)
)
SELECT o.id FROM due JOIN orders_order o ON o.id = due.order_id
ORDER BY due.place, due.due_at, due.order_id LIMIT {{limit}} FOR UPDATE OF o SKIP LOCKED
"""

_UNSURE = """
SELECT o.id FROM orders_upstreamorder u JOIN orders_order o ON o.id = u.order_id
WHERE u.provider_id = %(provider)s AND u.state = 'unsure' AND u.due_at <= now()
ORDER BY u.order_id LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED
"""

_SENDING = """
UPDATE orders_upstreamorder SET state = 'sending', attempt_count = attempt_count + 1
WHERE order_id = ANY(%s::bigint[]) AND state = %s
RETURNING order_id
"""

_OUTGOING = """
SELECT u.order_id, u.attempt_count, p.upstream_id, p.id, r.id, s.type, o.link, o.quantity, o.fields::text, r.multiplier,
       r.overflow_percent
FROM orders_upstreamorder u
JOIN orders_order o ON o.id = u.order_id
JOIN catalog_service s ON s.id = o.service_id
JOIN providers_route r ON r.id = u.route_id
JOIN providers_providerservice p ON p.id = r.provider_service_id
WHERE u.order_id = ANY(%s::bigint[])
ORDER BY u.order_id
"""

_NOTE_SENDING = """
UPDATE orders_upstreamorder u SET quantity = new.quantity, multiplier = new.multiplier
FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[]) AS new (order_id, quantity, multiplier)
WHERE u.order_id = new.order_id
"""

# If an unsure attempt is repeated with its key, the old attempt ends: the new outcome holds for both.
_CLOSE_UNSURE = """
UPDATE orders_attempt SET state = 'refused', response = response || ' · asked for again under its key'
WHERE order_id = ANY(%s::bigint[]) AND state = 'unsure'
RETURNING order_id, request::text, quantity
"""

_WRITE_ATTEMPTS = """
INSERT INTO orders_attempt (order_id, account_id, number, provider_id, provider_service_id, quantity, request,
                            cost_expected)
SELECT u.order_id, u.account_id, u.attempt_count, u.provider_id, new.provider_service_id, new.quantity,
       new.request::jsonb,
       CASE WHEN new.rates IS NOT NULL THEN least(round(new.rates * s.rate * p.exchange_rate, 5), 999999999999999) END
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::numeric[])
  AS new (order_id, provider_service_id, quantity, request, rates)
JOIN orders_upstreamorder u ON u.order_id = new.order_id
JOIN providers_providerservice s ON s.id = new.provider_service_id
JOIN providers_provider p ON p.id = u.provider_id
ORDER BY u.order_id
"""

_LEFT_SENDING = """
SELECT u.order_id, u.attempt_count FROM orders_upstreamorder u WHERE u.provider_id = %s AND u.state = 'sending'
"""


def claim(connection: Connection, provider: int, *, limit: int) -> list[OutgoingOrder]:
    """Claim queued orders of a provider, of each route those due first. The caller must commit before it sends them."""
    return _take(connection, _CLAIMABLE.format(limit=limit), {"provider": provider}, was=Dispatch.QUEUED)


def claim_unsure(connection: Connection, provider: int, *, limit: int) -> list[OutgoingOrder]:
    """Claim unsure orders, to send them again with the same idempotency keys. The provider must support these."""
    return _take(connection, _UNSURE, {"provider": provider, "limit": limit}, was=Dispatch.UNSURE)


def _take(connection: Connection, query: str, parameters: dict[str, object], *, was: Dispatch) -> list[OutgoingOrder]:
    cursor = Cursor(connection)
    ids = [row[0] for row in cursor.execute(query, parameters, prepare=True)]
    if not ids:
        return []
    # The rows are locked now. Leave out orders that another worker has taken in the meantime.
    ids = [row[0] for row in cursor.execute(_SENDING, [arrays.of_numbers(ids), was.value], prepare=True)]
    outgoing_orders = [
        _outgoing_order(row) for row in cursor.execute(_OUTGOING, [arrays.of_numbers(ids)], prepare=True)
    ]
    if was is Dispatch.UNSURE:
        outgoing_orders = _as_before(connection, outgoing_orders)
    locked = orders.lock(connection, ids)
    moves = [orders.move_dispatch(locked[id_], Dispatch.SENDING) for id_ in ids]
    if moves:
        orders.write(connection, [move.order for move in moves], moves, actor=ACTOR)
        _write_attempts(connection, outgoing_orders)
    return outgoing_orders


def _outgoing_order(row: TupleRow) -> OutgoingOrder:
    order, attempt, service, provider_service, route, type_, link, quantity, fields, multiplier, overflow = row
    rule = RULES[OrderType(type_)]
    own = msgspec.json.decode(fields, type=dict[str, str]) if fields else {}
    parameters = {**({"link": link} if rule.link else {}), **own}
    if rule.quantity is not Quantity.GIVEN:
        return OutgoingOrder(
            order, attempt, service, parameters, quantity, provider_service, route, Decimal(1), rule.quantity
        )
    ordered = routing.quantity_to_order(quantity, multiplier, overflow)
    parameters["quantity"] = str(ordered)
    return OutgoingOrder(order, attempt, service, parameters, ordered, provider_service, route, multiplier)


def _as_before(connection: Connection, outgoing_orders: Sequence[OutgoingOrder]) -> list[OutgoingOrder]:
    """Return the orders with the parameters of the unsure attempt: an idempotency key allows no others."""
    ids = arrays.of_numbers(outgoing.order for outgoing in outgoing_orders)
    before = {row[0]: row[1:] for row in Cursor(connection).execute(_CLOSE_UNSURE, [ids], prepare=True)}
    same = []
    for outgoing in outgoing_orders:
        text, quantity = before[outgoing.order]
        request = msgspec.json.decode(text, type=dict[str, str])
        service = request.pop("service")
        same.append(
            msgspec.structs.replace(outgoing, service=service, parameters=request, quantity=quantity, may_exist=True)
        )
    return same


def _write_attempts(connection: Connection, outgoing_orders: Sequence[OutgoingOrder]) -> None:
    ids = arrays.of_numbers(outgoing.order for outgoing in outgoing_orders)
    quantities = arrays.of_numbers(outgoing.quantity for outgoing in outgoing_orders)
    requests = [msgspec.json.encode({"service": each.service, **each.parameters}).decode() for each in outgoing_orders]
    services = arrays.of_numbers(outgoing.provider_service for outgoing in outgoing_orders)
    multipliers = arrays.of_numbers(outgoing.multiplier for outgoing in outgoing_orders)
    rates = arrays.of_numbers(outgoing.rates for outgoing in outgoing_orders)
    cursor = Cursor(connection)
    cursor.execute(_NOTE_SENDING, [ids, quantities, multipliers], prepare=True)
    cursor.execute(_WRITE_ATTEMPTS, [ids, services, quantities, arrays.of_texts(requests), rates], prepare=True)


def abandon(connection: Connection, provider: int) -> int:
    """Set the orders that a dead worker left `sending` to unsure; return how many.

    Only the worker that is visiting the provider may call this.
    """
    rows = Cursor(connection).execute(_LEFT_SENDING, [provider], prepare=True).fetchall()
    left = "the worker died while it was being sent"
    attempts.record(
        connection, [AttemptResult(order, attempt, AttemptOutcome.UNSURE, response=left) for order, attempt in rows]
    )
    return len(rows)


def confirm_sent(connection: Connection, order: int, upstream_id: str, *, actor: str) -> bool:
    """Set an unsure order to sent, with the provider's id of it.

    Return False if the order is not unsure, or if another order has that id.
    """
    return _settle_unsure(connection, order, AttemptOutcome.SENT, upstream_id, "found by a person", actor=actor)


def send_again(connection: Connection, order: int, *, actor: str) -> bool:
    """Queue an unsure order that the provider does not have, or a refused one; return False if it is neither."""
    return _settle_unsure(connection, order, AttemptOutcome.LATER, "", "not there, says a person", actor=actor)


def _settle_unsure(
    connection: Connection, order: int, result: AttemptOutcome, upstream_id: str, response: str, *, actor: str
) -> bool:
    way = attempts.dispatch_states(connection, orders.lock(connection, [order])).get(order)
    settleable = {Dispatch.UNSURE, Dispatch.REFUSED} if result is AttemptOutcome.LATER else {Dispatch.UNSURE}
    if way is None or way.state not in settleable:
        return False
    if upstream_id and attempts.known_upstream_ids(connection, way.provider, [upstream_id]):
        return False
    attempts.record(connection, [AttemptResult(order, way.attempt_count, result, upstream_id, response)], actor=actor)
    if result is AttemptOutcome.LATER:
        route_pauses.end(connection, [way.route])
        dispatch_queue.defer_visits(connection, [way.provider])
    return True
