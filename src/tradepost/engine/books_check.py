"""Check the books: every balance equals its transfers, and every order's transfers equal its charge and refunds.

Each rule is a query that returns the rows that break it. If the books are correct, all queries return nothing.
"""

from collections.abc import Iterator

import msgspec
from psycopg import Connection, Cursor

FINDINGS_A_RULE_MAX = 100


class Finding(msgspec.Struct, frozen=True):
    """An error in the books: the rule, the row that breaks it, and the row's values."""

    rule: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.rule} ({self.detail})"


_RULES = {
    "the balance is not the sum of its transfers": """
        SELECT 'ledger account ' || l.id, 'balance ' || l.balance || ', transfers ' || coalesce(t.total, 0)
        FROM ledger_account l LEFT JOIN (
            SELECT id, sum(amount) AS total FROM (
                SELECT credit_id AS id, amount FROM ledger_transfer
                UNION ALL SELECT debit_id, -amount FROM ledger_transfer
            ) AS sides GROUP BY id
        ) AS t USING (id)
        WHERE l.balance IS NOT NULL AND l.balance <> coalesce(t.total, 0)""",
    "the balance after a transfer does not follow from the one before": """
        SELECT 'transfer ' || id, 'balance after ' || balance_after || ', should be ' || was + change
        FROM (
            SELECT id, balance_after, change,
                   lag(balance_after, 1, 0::numeric) OVER (PARTITION BY account ORDER BY id) AS was
            FROM (
                SELECT id, balance_after, CASE WHEN debit_id >= 1000 THEN debit_id ELSE credit_id END AS account,
                       CASE WHEN debit_id >= 1000 THEN -amount ELSE amount END AS change
                FROM ledger_transfer
            ) AS signed
        ) AS followed
        WHERE balance_after <> was + change""",
    "the balance is beyond its limit": """
        SELECT 'ledger account ' || id, 'balance ' || balance || ', credit limit ' || credit_limit
        FROM ledger_account WHERE balance < -credit_limit""",
    "the charge is not what was transferred": """
        SELECT 'order ' || o.id, 'charge ' || o.charge || ', transferred ' || coalesce(t.total, 0)
        FROM orders_order o LEFT JOIN (
            SELECT order_id, sum(amount) AS total FROM ledger_transfer WHERE kind = 'charge' GROUP BY order_id
        ) AS t ON t.order_id = o.id
        WHERE CASE WHEN o.parent_id IS NULL THEN o.charge ELSE 0 END <> coalesce(t.total, 0)""",
    "the refunds are not what was transferred": """
        SELECT 'order ' || o.id, 'refunded ' || o.refunded || ', transferred ' || coalesce(t.total, 0)
        FROM orders_order o LEFT JOIN (
            SELECT order_id, sum(amount) AS total FROM ledger_transfer
            WHERE kind IN ('partial', 'cancel', 'unused') GROUP BY order_id
        ) AS t ON t.order_id = o.id
        WHERE CASE WHEN o.parent_id IS NULL THEN o.refunded ELSE 0 END <> coalesce(t.total, 0)""",
    # A part's refunds are posted on its parent, with the part's number as `sequence` (decision 10).
    "the refunds for a part are not what was transferred": """
        SELECT 'order ' || c.id, 'refunded ' || c.refunded || ', transferred ' || coalesce(t.total, 0)
        FROM orders_order c LEFT JOIN (
            SELECT order_id, sequence, sum(amount) AS total FROM ledger_transfer
            WHERE kind IN ('partial', 'cancel') AND sequence > 0 GROUP BY order_id, sequence
        ) AS t ON t.order_id = c.parent_id AND t.sequence = c.part
        WHERE c.parent_id IS NOT NULL AND c.refunded <> coalesce(t.total, 0)""",
    "a part does not stand for its share": """
        SELECT 'order ' || c.id, 'charge ' || c.charge || ', share ' || share
        FROM orders_order c JOIN orders_order p ON p.id = c.parent_id, LATERAL (
            SELECT round(p.charge::numeric(40,20) * c.part / p.parts, 5)
                   - round(p.charge::numeric(40,20) * (c.part - 1) / p.parts, 5) AS share
        ) AS reckoned
        WHERE c.charge <> share""",
    "what was never made of an order was not given back": """
        SELECT 'order ' || p.id, 'unused ' || unused || ', transferred ' || coalesce(t.amount, 0)
        FROM orders_order p
        LEFT JOIN ledger_transfer t ON t.order_id = p.id AND t.kind = 'unused',
        LATERAL (SELECT count(*) AS made FROM orders_order c WHERE c.parent_id = p.id) AS parts,
        LATERAL (SELECT p.charge - round(p.charge::numeric(40,20) * made / p.parts, 5) AS unused) AS reckoned
        WHERE p.parts IS NOT NULL AND p.status IN ('Completed', 'Partial', 'Canceled', 'Expired')
          AND unused <> coalesce(t.amount, 0)""",
    "play money and real money have mixed": """
        SELECT 'transfer ' || t.id, 'debit ' || t.debit_id || ', credit ' || t.credit_id
        FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id
        JOIN ledger_account c ON c.id = t.credit_id
        WHERE d.is_play <> c.is_play""",
    "an order was paid by another account": """
        SELECT 'order ' || o.id, 'transfer ' || t.id
        FROM ledger_transfer t JOIN orders_order o ON o.id = t.order_id
        JOIN ledger_account l ON l.account_id = o.account_id
        WHERE l.id <> CASE WHEN t.kind = 'charge' THEN t.debit_id ELSE t.credit_id END""",
    "a payment by hand is not one transfer of its amount": """
        SELECT 'payment ' || p.id, p.state || ', ' || p.kind || ' ' || p.amount
               || ', transfer ' || coalesce(t.kind || ' ' || t.amount, 'none')
        FROM ledger_manualpayment p
        LEFT JOIN ledger_transfer t ON t.id = p.transfer_id
        LEFT JOIN ledger_account l ON l.account_id = p.account_id
        WHERE CASE WHEN p.state = 'done' AND p.kind <> 'credit' THEN
            ((CASE WHEN p.amount > 0 THEN t.credit_id ELSE t.debit_id END), t.amount, t.kind) IS DISTINCT FROM
            (l.id, abs(p.amount), CASE WHEN p.kind = 'top-up' THEN 'top-up' ELSE 'adjustment' END)
            ELSE p.transfer_id IS NOT NULL END""",
    "a canceled order was not refunded in full": """
        SELECT 'order ' || id, 'charge ' || charge || ', refunded ' || refunded
        FROM orders_order
        WHERE status = 'Canceled' AND refunded <> charge AND (parts IS NULL OR dispatch = 'runs')""",
    # Roll-ups (decision 48) count each row up to their watermark once, and also for a service and an account.
    "a day's totals are not its transfers": """
        SELECT 'day ' || (start AT TIME ZONE 'UTC')::date,
               'charged ' || coalesce(r.charged, 0) || ' and refunded ' || coalesce(r.refunded, 0)
               || ', transferred ' || coalesce(t.charged, 0) || ' and ' || coalesce(t.refunded, 0)
        FROM (SELECT start, charged, refunded FROM reports_total WHERE kind = 0 AND span = 1) AS r
        FULL JOIN (
            SELECT date_trunc('day', at, 'UTC') AS start,
                   coalesce(sum(amount) FILTER (WHERE kind = 'charge' AND credit_id = 1), 0) AS charged,
                   coalesce(sum(amount) FILTER (WHERE kind <> 'charge' AND debit_id = 1), 0) AS refunded
            FROM ledger_transfer
            WHERE order_id IS NOT NULL
              AND id <= (SELECT position FROM reports_watermark WHERE "table" = 'ledger_transfer')
            GROUP BY 1
        ) AS t USING (start)
        WHERE (coalesce(r.charged, 0), coalesce(r.refunded, 0)) <> (coalesce(t.charged, 0), coalesce(t.refunded, 0))""",
    "the totals of services, accounts and the desk differ": """
        SELECT 'span ' || span || ' from ' || (start AT TIME ZONE 'UTC')::date,
               'services ' || coalesce(services.sums, 'none') || ', accounts ' || coalesce(accounts.sums, 'none')
               || ', desk ' || coalesce(desk.sums, 'none')
        FROM (SELECT DISTINCT span, start FROM reports_total WHERE span <> 0) AS spans
        LEFT JOIN LATERAL (
            SELECT (sum(orders), sum(charged), sum(refunded), sum(cost))::text AS sums FROM reports_total t
            WHERE t.kind = 1 AND t.span = spans.span AND t.start = spans.start) AS services ON true
        LEFT JOIN LATERAL (
            SELECT (sum(orders), sum(charged), sum(refunded), sum(cost))::text AS sums FROM reports_total t
            WHERE t.kind = 2 AND t.span = spans.span AND t.start = spans.start) AS accounts ON true
        LEFT JOIN LATERAL (
            SELECT (sum(orders), sum(charged), sum(refunded), sum(cost))::text AS sums FROM reports_total t
            WHERE t.kind = 0 AND t.span = spans.span AND t.start = spans.start) AS desk ON true
        WHERE services.sums <> desk.sums OR accounts.sums <> desk.sums""",
    "totals of days, months and years differ": """
        SELECT 'kind ' || kind || ', subject ' || subject
               || ', ' || unit || ' from ' || (stretch AT TIME ZONE 'UTC')::date,
               'orders ' || orders || ', charged ' || charged || ', refunded ' || refunded || ', cost ' || cost
        FROM (
            SELECT kind, subject, unit, date_trunc(unit, start, 'UTC') AS stretch,
                   sum(CASE span WHEN finer THEN orders ELSE -orders END) AS orders,
                   sum(CASE span WHEN finer THEN charged ELSE -charged END) AS charged,
                   sum(CASE span WHEN finer THEN refunded ELSE -refunded END) AS refunded,
                   sum(CASE span WHEN finer THEN cost ELSE -cost END) AS cost
            FROM reports_total
            JOIN (VALUES (1, 2, 'month'), (2, 3, 'year')) AS spans (finer, coarser, unit) ON span IN (finer, coarser)
            GROUP BY 1, 2, 3, 4
        ) AS differences
        WHERE orders <> 0 OR charged <> 0 OR refunded <> 0 OR cost <> 0""",
    # The hot tables have no foreign keys (decision 0005).
    "a reference leads nowhere": """
        SELECT 'order ' || o.id, 'account ' || o.account_id || ', service ' || o.service_id
               || ', key ' || coalesce(o.key_id::text, 'none') || ', parent ' || coalesce(o.parent_id::text, 'none')
        FROM orders_order o
        LEFT JOIN accounts_account a ON a.id = o.account_id
        LEFT JOIN catalog_service s ON s.id = o.service_id
        LEFT JOIN accounts_key k ON k.id = o.key_id
        LEFT JOIN orders_order p ON p.id = o.parent_id
        WHERE a.id IS NULL OR s.id IS NULL OR (o.key_id IS NOT NULL AND k.id IS NULL)
           OR (o.parent_id IS NOT NULL AND p.account_id IS DISTINCT FROM o.account_id)
        UNION ALL
        SELECT 'transfer ' || t.id, 'debit ' || t.debit_id || ', credit ' || t.credit_id
               || ', order ' || coalesce(t.order_id::text, 'none')
        FROM ledger_transfer t
        LEFT JOIN ledger_account d ON d.id = t.debit_id
        LEFT JOIN ledger_account c ON c.id = t.credit_id
        LEFT JOIN orders_order o ON o.id = t.order_id
        WHERE d.id IS NULL OR c.id IS NULL OR (t.order_id IS NOT NULL AND o.id IS NULL)""",
}


def check(connection: Connection) -> Iterator[Finding]:
    """Yield the errors in the books, up to 100 a rule.

    Call this in a REPEATABLE READ transaction, so that all rules see the same state of the database.
    """
    for rule, query in _RULES.items():
        for subject, detail in Cursor(connection).execute(f"{query} LIMIT {FINDINGS_A_RULE_MAX}"):
            yield Finding(rule, subject, detail)
