"""Write a history: ended orders and their transfers, as if customers had placed the orders one by one.

This is for a desk that starts with a history, such as the demo. The caller gives each order's parameters, times and
steps. The rules for all orders (`order_types`, `charges`, `statuses`, `settling`) decide whether an order is valid,
what it costs and what is refunded.

1. `plan_past` applies these rules and writes nothing. The plan shows how much each account must top up.
2. `write_past` writes orders, attempts, transfers and events: one statement for each kind, sorted by time. It refuses
   books that already have transfers, because no transfer may be written before an existing one.

Drip-feeds and subscriptions are not supported. The caller commits.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, charges, ledger, order_types, orders, settling
from tradepost.engine.actors import actor_label
from tradepost.engine.catalog import Catalog, Service, current_catalog
from tradepost.engine.errors import IncorrectService
from tradepost.engine.ledger import PastMovement, SystemAccount, TransferKind
from tradepost.engine.order_types import RULES, Draft, Parameters
from tradepost.engine.orders import Order
from tradepost.engine.placing import Mode
from tradepost.engine.statuses import ACTIVE, TRANSITIONS, Dispatch, Status

_ENCODE = msgspec.json.Encoder().encode


class Step(msgspec.Struct, frozen=True):
    """A change of an order's status or dispatch state."""

    at: datetime
    actor: str
    to: Status | Dispatch
    note: str = ""


class Attempt(msgspec.Struct, frozen=True):
    """The only attempt to place an order with a provider. If `upstream_id` is None, the provider refused it."""

    provider: int
    provider_service: int
    at: datetime
    answered_at: datetime
    upstream_id: str | None
    response: str


class PastOrder(msgspec.Struct, frozen=True):
    """An ended order: the parameters of its request, its steps and its final numbers."""

    account: int
    key: int | None
    mode: Mode
    parameters: Parameters
    at: datetime
    dispatch: Dispatch  # the first state
    steps: Sequence[Step]
    start_count: int | None = None
    remains: int | None = None  # at the end; None: 0 if Completed, else the full quantity
    attempt: Attempt | None = None


class TopUp(msgspec.Struct, frozen=True):
    account: int
    at: datetime
    amount: Decimal
    actor: str
    note: str


class BalanceChange(msgspec.Struct, frozen=True):
    """A change of an account's balance by a charge (below zero) or a refund (above zero)."""

    at: datetime
    amount: Decimal
    kind: TransferKind
    actor: str
    order: Order


class _Move(msgspec.Struct, frozen=True):
    """A step of an order, with the status and dispatch state before and after."""

    order: Order
    step: Step
    was: Status
    to: Status
    was_dispatch: Dispatch
    dispatch: Dispatch


class _Written(msgspec.Struct, frozen=True):
    """An order as the customer requested it (`asked`), and as it ended (`order`)."""

    asked: PastOrder
    service: Service
    draft: Draft
    rate: Decimal
    order: Order  # `id` is a placeholder until the order is written

    @property
    def cost_in_rates(self) -> Decimal:
        """The factor by which the provider's rate is multiplied to get the cost."""
        return charges.rates(RULES[self.service.type].quantity, self.draft.quantity)

    @property
    def delivered(self) -> Decimal:
        """The delivered share, from 0 to 1."""
        return 1 - Decimal(self.order.remains) / self.order.quantity


class Past(msgspec.Struct, frozen=True):
    """The plan of a history: the orders, and the changes of balances and moves sorted by time."""

    orders: list[_Written]
    changes: list[BalanceChange]
    moves: list[_Move]

    def changes_by_account(self) -> dict[int, list[BalanceChange]]:
        """Return the charges and refunds of each account, sorted by time."""
        found: defaultdict[int, list[BalanceChange]] = defaultdict(list)
        for change in self.changes:
            found[change.order.account].append(change)
        return found


_WRITE = """
INSERT INTO orders_order (account_id, service_id, key_id, mode, link, quantity, fields, rate, charge, refunded, status,
                          dispatch, start_count, remains, one_per_link, created_at, updated_at)
SELECT account_id, service_id, key_id, mode, link, quantity, fields::jsonb, rate, charge, refunded, status, dispatch,
       start_count, remains, one_per_link, created_at, updated_at
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::numeric[],
            %s::numeric[], %s::numeric[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::boolean[],
            %s::timestamptz[], %s::timestamptz[])
  WITH ORDINALITY
  AS new (account_id, service_id, key_id, mode, link, quantity, fields, rate, charge, refunded, status, dispatch,
          start_count, remains, one_per_link, created_at, updated_at, number)
ORDER BY number
RETURNING id
"""

# The expected cost is computed as in `dispatching`. The final cost is the delivered share of the expected cost.
_WRITE_ATTEMPTS = """
INSERT INTO orders_attempt (order_id, account_id, number, provider_id, provider_service_id, state, upstream_id,
                            quantity, at, answered_at, response, cost_expected, cost)
SELECT order_id, account_id, 1, provider_id, provider_service_id,
       CASE WHEN upstream_id IS NULL THEN 'refused' ELSE 'sent' END, upstream_id, quantity, at, answered_at, response,
       round(expected, 5), CASE WHEN upstream_id IS NOT NULL THEN round(expected * delivered, 5) END
FROM (
    SELECT new.*, new.rates * s.rate * p.exchange_rate AS expected
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[],
                %s::timestamptz[], %s::text[], %s::numeric[], %s::numeric[])
      AS new (order_id, account_id, provider_id, provider_service_id, upstream_id, quantity, at, answered_at, response,
              rates, delivered)
    JOIN providers_providerservice s ON s.id = new.provider_service_id
    JOIN providers_provider p ON p.id = new.provider_id
) AS reckoned
ORDER BY order_id
"""

_WRITE_EVENTS = """
INSERT INTO orders_orderevent (order_id, account_id, actor, at, from_status, to_status, from_dispatch, to_dispatch,
                               note)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
                     %s::text[], %s::text[])
"""


def plan_past(connection: Connection, asked: Sequence[PastOrder]) -> Past:
    """Plan the history of these orders, which must be sorted by time.

    Raises a `Refusal` if an order could not have been placed, and `ValueError` if its steps are not possible, if it has
    not ended, or if it is a drip-feed or subscription.
    """
    now = current_catalog(connection)
    now.load_rates(connection, {each.account for each in asked})
    past = Past([], [], [])
    for number, each in enumerate(asked):
        written = _placed(now, each, number)
        past.orders.append(written)
        order = written.order
        if order.charge:
            past.changes.append(BalanceChange(each.at, -order.charge, TransferKind.CHARGE, each.mode.value, order))
        for step in each.steps:
            _move_on(past, written, step)
        if order.status in ACTIVE:
            raise ValueError("what is not over is not past")
    past.changes.sort(key=lambda change: change.at)
    past.moves.sort(key=lambda move: move.step.at)
    return past


def _placed(now: Catalog, asked: PastOrder, number: int) -> _Written:
    service = now.service(asked.parameters.get("service", ""))
    if service is None:
        raise IncorrectService
    draft = order_types.parse_order(service.terms, asked.parameters)
    if draft.parts is not None:
        raise ValueError("what is made of parts is not written down")
    rate = now.rate(asked.account, service)
    order = Order(
        number,
        asked.account,
        service.id,
        Status.PENDING,
        asked.dispatch,
        draft.quantity,
        charge=charges.charge(service, rate, draft.quantity),
        refunded=Decimal(0),
        start_count=asked.start_count,
        remains=draft.quantity,
        parent=None,
        part=None,
        parts=None,
    )
    return _Written(asked, service, draft, rate, order)


def _move_on(past: Past, written: _Written, step: Step) -> None:
    """Apply a step to an order, and add the refund that follows from the step."""
    order = written.order
    was, was_dispatch = order.status, order.dispatch
    if isinstance(step.to, Dispatch):
        orders.move_dispatch(order, step.to)
    else:
        _change_status(written, step.to)
        kind, back = settling.refund_due(order)
        if back:
            order.refunded += back
            past.changes.append(BalanceChange(step.at, back, kind, step.actor, order))
    past.moves.append(_Move(order, step, was, order.status, was_dispatch, order.dispatch))


def _change_status(written: _Written, to: Status) -> None:
    order, remains = written.order, written.asked.remains
    if to not in TRANSITIONS[order.status]:
        raise ValueError(f"an order that is {order.status} can't become {to}")
    order.status = to
    if to not in ACTIVE:
        untold = 0 if to is Status.COMPLETED else order.quantity
        order.remains = untold if remains is None else remains


def write_past(connection: Connection, past: Past, top_ups: Sequence[TopUp]) -> list[int]:
    """Write a history and its top-ups; return the ids of the orders.

    Raises `NotEnoughFunds` if the top-ups are too small, and `BooksBegunError` if the books already have transfers.
    """
    ids = _write_orders(connection, past.orders)
    _write_attempts(connection, past.orders)
    accounts = ledger.lock(connection, {change.order.account for change in past.changes} | {t.account for t in top_ups})
    movements = [
        PastMovement(
            accounts[each.account], SystemAccount.TOP_UPS, each.amount, TransferKind.TOP_UP,
            note=each.note, at=each.at, actor=each.actor,
        )
        for each in top_ups
    ] + [
        PastMovement(
            accounts[each.order.account], SystemAccount.SALES, each.amount, each.kind, each.order.id,
            at=each.at, actor=each.actor,
        )
        for each in past.changes
    ]  # fmt: skip
    ledger.post_past(connection, sorted(movements, key=lambda movement: movement.at))
    _write_events(connection, past.moves)
    return ids


def _write_orders(connection: Connection, written: Sequence[_Written]) -> list[int]:
    all_of = [each.order for each in written]
    columns = [
        arrays.of_numbers(order.account for order in all_of),
        arrays.of_numbers(order.service for order in all_of),
        arrays.of_numbers(each.asked.key for each in written),
        arrays.of_texts(each.asked.mode for each in written),
        arrays.of_texts(each.draft.link for each in written),
        arrays.of_numbers(order.quantity for order in all_of),
        arrays.of_texts(_ENCODE(fields).decode() if (fields := each.draft.fields) else None for each in written),
        arrays.of_numbers(each.rate for each in written),
        arrays.of_numbers(order.charge for order in all_of),
        arrays.of_numbers(order.refunded for order in all_of),
        arrays.of_texts(order.status for order in all_of),
        arrays.of_texts(order.dispatch for order in all_of),
        arrays.of_numbers(order.start_count for order in all_of),
        arrays.of_numbers(order.remains for order in all_of),
        arrays.of_flags(each.service.one_order_per_link for each in written),
        _moments(each.asked.at for each in written),
        _moments(each.asked.steps[-1].at for each in written),
    ]
    ids = sorted(row[0] for row in Cursor(connection).execute(_WRITE, columns))
    for order, id_ in zip(all_of, ids, strict=True):
        order.id = id_
    return ids


def _write_attempts(connection: Connection, written: Sequence[_Written]) -> None:
    made = [(each, each.asked.attempt) for each in written if each.asked.attempt]
    columns = [
        arrays.of_numbers(each.order.id for each, _ in made),
        arrays.of_numbers(each.order.account for each, _ in made),
        arrays.of_numbers(attempt.provider for _, attempt in made),
        arrays.of_numbers(attempt.provider_service for _, attempt in made),
        arrays.of_texts(attempt.upstream_id for _, attempt in made),
        arrays.of_numbers(each.order.quantity for each, _ in made),
        _moments(attempt.at for _, attempt in made),
        _moments(attempt.answered_at for _, attempt in made),
        arrays.of_texts(attempt.response for _, attempt in made),
        arrays.of_numbers(each.cost_in_rates for each, _ in made),
        arrays.of_numbers(each.delivered for each, _ in made),
    ]
    Cursor(connection).execute(_WRITE_ATTEMPTS, columns)


def _write_events(connection: Connection, moves: Sequence[_Move]) -> None:
    columns = [
        arrays.of_numbers(move.order.id for move in moves),
        arrays.of_numbers(move.order.account for move in moves),
        arrays.of_texts(actor_label(move.step.actor) for move in moves),
        _moments(move.step.at for move in moves),
        arrays.of_texts(move.was for move in moves),
        arrays.of_texts(move.to for move in moves),
        arrays.of_texts(move.was_dispatch for move in moves),
        arrays.of_texts(move.dispatch for move in moves),
        arrays.of_texts(move.step.note for move in moves),
    ]
    Cursor(connection).execute(_WRITE_EVENTS, columns)


def _moments(moments: Iterable[datetime]) -> str:
    return arrays.of_texts(moment.isoformat() for moment in moments)
