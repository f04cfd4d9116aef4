"""Which rows are booked in the totals, on which day, and for which service, account and provider.

Everything is booked on the day that it happened, so that a past day never changes (decision 48). A charge and a refund
are booked on the day of the transfer. A provider's cost is booked when the order is sent, at the rate in the provider's
list; the difference to the provider's final cost is booked on the day that the order ends. Play money and test orders
are not booked.

A booking has two sides. The customers' side has service and account. The providers' side has provider and offer, and
covers only orders that were sent there, or should have been. An order was sent if its `dispatch` is sent: that never
changes afterwards, nor after the order has ended. The attempt that sent it is the last one made before.
"""

from tradepost.engine.ledger import SystemAccount
from tradepost.engine.statuses import ACTIVE
from tradepost.reports.measures import AMOUNTS, COUNTS, GROWTH, MEASURES, Phase, SubjectKind

# The tables that bookings are read from, with their time column. Rows are only added to these tables, never changed;
# orders do change, but only columns that never change are booked.
TABLES = {
    "orders_order": "created_at",
    "ledger_transfer": "at",
    "orders_orderevent": "at",
    "orders_refill": "created_at",
}

# PostgreSQL sums integers fastest and with least memory. A step has too few rows to overflow them.
_TYPES = {"quantity": "bigint", **dict.fromkeys(AMOUNTS, "numeric"), **dict.fromkeys(COUNTS, "integer")}
_SUBJECTS = ("service", "account", "provider", "offer")
_ACTIVE = ", ".join(f"'{status.value}'" for status in ACTIVE)


def _booking(source: str, at: str, subjects: dict[str, str], measures: dict[str, str]) -> str:
    """Compose a SELECT of bookings from a source. Subjects and measures not given are NULL, which is cheap to sum."""
    columns = [f"{at} AS at"]
    columns += [f"{subjects.get(name, 'NULL::bigint')} AS {name}" for name in _SUBJECTS]
    columns += [f"({measures.get(name, 'NULL')})::{_TYPES[name]} AS {name}" for name in MEASURES]
    return f"SELECT {', '.join(columns)} FROM {source}"


def _within(alias: str, table: str) -> str:
    return f"{alias}.id > %({table}_after)s AND {alias}.id <= %({table}_until)s"


def _is_test(alias: str) -> str:
    """Compose the condition that an account is a test account. PostgreSQL runs its subquery once a statement."""
    return f"{alias}.account_id IN (SELECT id FROM accounts_account WHERE test_of_id IS NOT NULL)"


def _if(condition: str, value: str = "1") -> str:
    return f"CASE WHEN {condition} THEN {value} ELSE 0 END"


# Events with their order, and with the last attempt made before them.
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

# The attempt that sent an order. A drip-feed itself is never sent, only its runs are: for its refunds, this is the
# attempt of the run whose number is the refund's `sequence`. A subscription is sent as a whole.
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

# All bookings of the rows between two positions in each table.
BOOKINGS = f"WITH move AS ({_MOVES}), booking AS ({' UNION ALL '.join(_BOOKINGS)})"

SUBJECTS = f"""
(VALUES ({SubjectKind.DESK}, CASE WHEN service IS NOT NULL THEN 0 END),
        ({SubjectKind.SERVICE}, service), ({SubjectKind.ACCOUNT}, account),
        ({SubjectKind.PROVIDER}, provider), ({SubjectKind.OFFER}, offer)) AS subjects (kind, subject)
"""

# How long sent orders took, from the provider's answer to the first progress and to completion.
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
    VALUES ({SubjectKind.PROVIDER}, provider_id), ({SubjectKind.OFFER}, provider_service_id)
) AS subjects (kind, subject)
GROUP BY 1, 2, 3, 4, 5
"""
