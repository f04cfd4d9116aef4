"""What accounts have spent and when they were last here, for the rows of a page, however much there is of it.

What was spent is never summed over orders: it is what an account was paid in less what it has left (decision 0046).
Of a stretch of time, it is what it had before, and was paid in since, less what it has left. Both cost a look-up in an
index and the few transfers that are no order's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from tradepost.id_ranges import first_id_since

RECENT = timedelta(days=30)
COUNTED_MAX = 1_000  # orders of one account, counted for a list


class Spending(NamedTuple):
    """An account's, net of refunds: whoever only got refunds of older orders has spent less than nothing of late."""

    spent: Decimal
    spent_recently: Decimal
    orders: int
    ordered_at: datetime | None
    seen_at: datetime | None

    @property
    def orders_shown(self) -> str:
        """How many orders, as far as they are counted."""
        return f"{COUNTED_MAX:,}+" if self.orders > COUNTED_MAX else f"{self.orders:,}"


_PAID = """(
    SELECT coalesce(sum(t.amount), 0) FROM ledger_transfer t
    WHERE t.{side}_id = l.id AND t.kind IN ('top-up', 'adjustment') AND t.id >= {first}
)"""
_LAST_BEFORE = """(
    SELECT t.id, t.balance_after FROM ledger_transfer t
    WHERE t.{side}_id = l.id AND t.{side}_id >= 1000 AND t.id < %(first)s ORDER BY t.id DESC LIMIT 1
)"""


def _paid(first: str) -> str:
    return f"{_PAID.format(side='credit', first=first)} - {_PAID.format(side='debit', first=first)}"


_SPENDING = f"""
SELECT l.account_id,
       {_paid("0")} - l.balance,
       {_paid("%(first)s")} - l.balance + coalesce((
           SELECT last.balance_after FROM (
               {_LAST_BEFORE.format(side="credit")} UNION ALL {_LAST_BEFORE.format(side="debit")}
           ) AS last ORDER BY last.id DESC LIMIT 1
       ), 0),
       (SELECT count(*) FROM (
           SELECT FROM orders_order o WHERE o.account_id = l.account_id LIMIT {COUNTED_MAX + 1}
       ) AS counted),
       (SELECT o.created_at FROM orders_order o WHERE o.account_id = l.account_id ORDER BY o.id DESC LIMIT 1),
       greatest(
           a.last_login,
           (SELECT max(k.last_used_at) FROM accounts_key k WHERE k.account_id = l.account_id),
           (SELECT max(s.last_seen_at) FROM usersessions_usersession s WHERE s.user_id = l.account_id)
       )
FROM ledger_account l JOIN accounts_account a ON a.id = l.account_id
WHERE l.account_id = ANY(%(accounts)s)
"""


def of(accounts: Sequence[int]) -> dict[int, Spending]:
    """Return what each of these accounts has spent, by its id."""
    if not accounts:
        return {}
    first = first_id_since("ledger_transfer", "at", timezone.now() - RECENT)
    with connection.cursor() as cursor:
        cursor.execute(_SPENDING, {"accounts": list(accounts), "first": first})
        return {row[0]: Spending(*row[1:]) for row in cursor.fetchall()}
