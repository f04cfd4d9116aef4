"""What accounts have spent and when they were last seen, for the rows of one page.

The total is never summed over orders: it is what was paid in, less the balance (decision 0046). What an account spent
in a period is its balance before, plus what was paid in since, less the balance now. Both cost an index look-up and the
few transfers that belong to no order.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from tradepost import formats
from tradepost.id_ranges import first_id_since

RECENT = timedelta(days=30)
COUNTED_MAX = 1_000  # orders of one account; more are shown as 1,000+


class AccountSpending(NamedTuple):
    """What an account has spent, net of refunds. Recent spending is negative if older orders were refunded."""

    spent: Decimal
    spent_recently: Decimal
    orders: int
    ordered_at: datetime | None
    seen_at: datetime | None

    @property
    def orders_shown(self) -> str:
        """The number of orders; `1,000+` above `COUNTED_MAX`."""
        return f"{formats.whole(COUNTED_MAX)}+" if self.orders > COUNTED_MAX else formats.whole(self.orders)


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


def spending_by_account(accounts: Sequence[int]) -> dict[int, AccountSpending]:
    if not accounts:
        return {}
    first = first_id_since("ledger_transfer", "at", timezone.now() - RECENT)
    with connection.cursor() as cursor:
        cursor.execute(_SPENDING, {"accounts": list(accounts), "first": first})
        return {row[0]: AccountSpending(*row[1:]) for row in cursor.fetchall()}
