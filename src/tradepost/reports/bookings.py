"""What of the rows of the business is booked in the totals, when, and of which service, account and provider.

Everything is booked on the day that it happened, so that a past day never changes (decision 48): a charge and a refund
on the day of the transfer; a provider's cost, as its list had it, when the order was sent, and the difference to what
the provider told in the end on the day that the order ended. Play money and the orders of tests are not booked.

A booking has two sides. The customers' has service and account; the providers' has provider and offer and knows only
what was sent there, or should have been. What was sent is what has `dispatch` sent: that never changes once it is so,
nor once the order is over, and the attempt by which it went is the last one made before.
"""

from tradepost.engine.ledger import SystemAccount
from tradepost.engine.statuses import ACTIVE
from tradepost.reports.measures import AMOUNTS, COUNTS, GROWTH, MEASURES, Kind, Phase

# The tables that bookings are made of, with the column that says when; rows are only ever added to them, but for
# orders, of which only what never changes is booked here.
TABLES = {
    "orders_order": "created_at",
    "ledger_transfer": "at",
    "orders_orderevent": "at",
    "orders_refill": "created_at",
}

# Integers are what PostgreSQL adds up quickest and in least memory; a step has no more rows than they can count.
_TYPES = {"quantity": "bigint", **dict.fromkeys(AMOUNTS, "numeric"), **dict.fromkeys(COUNTS, "integer")}
_SUBJECTS = ("service", "account", "provider", "offer")
_ACTIVE = ", ".join(f"'{status.value}'" for status in ACTIVE)


def _booking(source: str, at: str, subjects: dict[str, str], measures: dict[str, str]) -> str:
    """Compose a SELECT of bookings from a source, NULL where nothing is said: that costs sums next to nothing."""
    columns = [f"{at} AS at"]
    columns += [f"{subjects.get(name, 'NULL::bigint')} AS {name}" for name in _SUBJECTS]
    columns += [f"({measures.get(name, 'NULL')})::{_TYPES[name]} AS {name}" for name in MEASURES]
    return f"SELECT {', '.join(columns)} FROM {source}"


def _within(alias: str, table: str) -> str:
    return f"{alias}.id > %({table}_after)s AND {alias}.id <= %({table}_until)s"


def _is_test(alias: str) -> str:
    """Compose the question whether an order's account is for tests: those are gathered once a statement."""
    return f"{alias}.account_id IN (SELECT id FROM accounts_account WHERE test_of_id IS NOT NULL)"


def _if(condition: str, value: str = "1") -> str:
    return f"CASE WHEN {condition} THEN {value} ELSE 0 END"


# Events with the order and the attempt that they are about.
_MOVES = f"""
SELECT e.id, e.at, e.order_id, e.from_status, e.to_status, e.from_dispatch, e.to_dispatch,
       o.service_id, o.account_id, o.parent_id, o.charge, o.dispatch, {_is_test("o")} AS is_test,
       a.provider_id, a.provider_service_id, a.quantity, a.answered_at,
       coalesce(a.cost_expected, 0) AS cost_expected, coalesce(a.cost, a.cost_expected, 0) AS cost_told,
       e.from_status <> e.to_status AND e.to_status = 'Completed' AS is_completed,
       e.from_status <> e.to_status AND e.to_status = 'Partial' AS is_partial,
       e.from_status <> e.to_status AND e.to_status = 'Canceled' AS is_canceled,
       e.from_dispatch <> 'sent' AND e.to_dispatch = 'sent' AS is_sent,
       e.from_status IN ({_ACTIVE}) AND e.to_status NOT IN ({_ACTIVE}) AND o.dispatch = 'sent' AS is_over
FROM orders_orderevent e
JOIN orders_order o ON o.id = e.order_id
LEFT JOIN LATERAL (
    SELECT * FROM orders_attempt a WHERE a.order_id = e.order_id AND a.at <= e.at ORDER BY a.number DESC LIMIT 1
) AS a ON true
WHERE {_within("e", "orders_orderevent")} AND (e.from_status <> e.to_status OR e.from_dispatch <> e.to_dispatch)
"""

_TELLS = """(is_sent OR is_over OR is_completed OR is_partial OR is_canceled OR from_dispatch = 'sending'
             OR to_dispatch = 'unsure')"""
_REFUSED = _if("from_dispatch = 'sending' AND to_dispatch IN ('queued', 'refused')")
_UNSURE = _if("to_dispatch = 'unsure' AND from_dispatch <> 'unsure'")
_COST = "CASE WHEN is_sent THEN cost_expected WHEN is_over THEN cost_told - cost_expected ELSE 0 END"
_REFUNDS = "t.kind IN ('partial', 'cancel', 'unused')"
_SALES = int(SystemAccount.SALES)

# The attempt by which an order was sent. Of a drip-feed's the run is meant that the refund has the number of: the
# drip-feed itself is sent to nobody, as a subscription is.
_SENT = """
(SELECT a.provider_id, a.provider_service_id FROM orders_order s JOIN orders_attempt a ON a.order_id = s.id
 WHERE a.state = 'sent' AND s.dispatch = 'sent' AND {which} LIMIT 1) AS a
"""
_SENT_ORDER = _SENT.format(which="s.id = t.order_id")
_SENT_RUN = _SENT.format(which="s.parent_id = t.order_id AND s.part = t.sequence")
_SENT_REFILLED = _SENT.format(which="s.id = r.order_id")

_CUSTOMER = {"service": "o.service_id", "account": "o.account_id"}
_PROVIDER = {"provider": "a.provider_id", "offer": "a.provider_service_id"}

_BOOKINGS = [
    _booking(
        f"orders_order o WHERE {_within('o', 'orders_order')} AND o.parent_id IS NULL AND NOT {_is_test('o')}",
        "o.created_at", _CUSTOMER, {"orders": "1", "quantity": "o.quantity"},
    ),
    _booking(
        f"""ledger_transfer t JOIN orders_order o ON o.id = t.order_id
        WHERE {_within("t", "ledger_transfer")}
          AND (t.kind = 'charge' AND t.credit_id = {_SALES} OR {_REFUNDS} AND t.debit_id = {_SALES})""",
        "t.at", _CUSTOMER,
        {"charged": _if("t.kind = 'charge'", "t.amount"), "refunded": _if(_REFUNDS, "t.amount")},
    ),
    *(
        _booking(
            f"""ledger_transfer t JOIN orders_order o ON o.id = t.order_id, LATERAL {sent}
            WHERE {_within("t", "ledger_transfer")} AND {_REFUNDS} AND t.debit_id = {_SALES} AND {condition}""",
            "t.at", _PROVIDER, {"refunded": "t.amount"},
        )
        for condition, sent in (("o.dispatch = 'sent'", _SENT_ORDER), ("o.dispatch = 'runs'", _SENT_RUN))
    ),
    _booking(
        f"move m WHERE NOT m.is_test AND {_TELLS}",
        "m.at", {"service": "m.service_id", "account": "m.account_id"},
        {
            "cost": _COST,
            "completed": _if("is_completed AND parent_id IS NULL"),
            "partial": _if("is_partial AND parent_id IS NULL"),
            "canceled": _if("is_canceled AND parent_id IS NULL"),
            "refused": _REFUSED,
            "unsure": _UNSURE,
        },
    ),
    _booking(
        f"move m WHERE m.provider_id IS NOT NULL AND {_TELLS}",
        "m.at", {"provider": "m.provider_id", "offer": "m.provider_service_id"},
        {
            "orders": _if("is_sent"),
            "quantity": _if("is_sent", "coalesce(m.quantity, 0)"),
            "charged": _if("is_sent", "m.charge"),
            "cost": _COST,
            "completed": _if("is_completed AND dispatch = 'sent'"),
            "partial": _if("is_partial AND dispatch = 'sent'"),
            "canceled": _if("is_canceled AND dispatch = 'sent'"),
            "refused": _REFUSED,
            "unsure": _UNSURE,
        },
    ),
    _booking(
        f"""orders_refill r JOIN orders_order o ON o.id = r.order_id
        WHERE {_within("r", "orders_refill")} AND NOT {_is_test("o")}""",
        "r.created_at", _CUSTOMER, {"refills": "1"},
    ),
    _booking(
        f"orders_refill r, LATERAL {_SENT_REFILLED} WHERE {_within('r', 'orders_refill')}",
        "r.created_at", _PROVIDER, {"refills": "1"},
    ),
]  # fmt: skip

# All bookings of the rows after one position in each table, up to another.
BOOKINGS = f"WITH move AS ({_MOVES}), booking AS ({' UNION ALL '.join(_BOOKINGS)})"

SUBJECTS = f"""
(VALUES ({Kind.DESK}, CASE WHEN service IS NOT NULL THEN 0 END), ({Kind.SERVICE}, service), ({Kind.ACCOUNT}, account),
        ({Kind.PROVIDER}, provider), ({Kind.OFFER}, offer)) AS subjects (kind, subject)
"""

# How long orders took that were sent: to their first move into work, and to their completion.
DURATIONS = f"""
WITH move AS ({_MOVES}), phases AS (
    SELECT m.at, t.phase, m.provider_id, m.provider_service_id,
           floor(ln(greatest(extract(epoch FROM m.at - m.answered_at), 1)::float8) / ln({GROWTH}))::int AS bucket
    FROM move m CROSS JOIN LATERAL (
        VALUES ({Phase.START}, m.from_status IN ('Pending', 'Processing')
                AND m.to_status IN ('In progress', 'Partial', 'Completed')
                AND NOT EXISTS (
                    SELECT FROM orders_orderevent b
                    WHERE b.order_id = m.order_id AND b.id < m.id AND b.to_status = 'In progress'
                )),
               ({Phase.COMPLETION}, m.from_status IN ({_ACTIVE}) AND m.is_completed)
    ) AS t (phase, is_so)
    WHERE t.is_so AND m.dispatch = 'sent' AND m.answered_at IS NOT NULL
      AND m.at > now() - make_interval(days => %(kept_days)s)
)
SELECT kind, subject, (at AT TIME ZONE 'UTC')::date AS day, phase, bucket, count(*) AS orders
FROM phases CROSS JOIN LATERAL (
    VALUES ({Kind.PROVIDER}, provider_id), ({Kind.OFFER}, provider_service_id)
) AS subjects (kind, subject)
GROUP BY 1, 2, 3, 4, 5
"""
