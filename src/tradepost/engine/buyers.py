"""Find the buyers of a batch by key or account, then lock their ledger accounts in id order.

These are two statements. In a single one, PostgreSQL would evaluate the joins again for each row whose lock it waited
for, and would then return only one row for an account that buys with two keys.
"""

from collections.abc import Collection

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, ledger
from tradepost.engine.keys import Scope, is_permitted
from tradepost.engine.ledger import Locked

type BuyerId = bytes | int  # the digest of a key, or the id of an account that has signed in


class Buyer(msgspec.Struct, frozen=True):
    """A buyer whose ledger account is locked."""

    account: Locked
    duplicate_window_seconds: int
    key: int | None
    scope: str | None
    networks: list[str]

    def may_order(self, address: str | None) -> bool:
        """Return whether the buyer may order from this address. An account that has signed in always may."""
        return self.key is None or is_permitted(Scope.ORDER, address, scope=self.scope, networks=self.networks)


_BUYERS = """
SELECT v.version, a.id, a.duplicate_window_seconds, k.digest, k.id, k.scope, k.networks
FROM catalog_catalogversion v, accounts_key k JOIN accounts_account a ON a.id = k.account_id
WHERE k.digest = ANY(%s::bytea[]) AND k.revoked_at IS NULL AND a.is_active
UNION ALL
SELECT v.version, a.id, a.duplicate_window_seconds, NULL, NULL, NULL, NULL
FROM catalog_catalogversion v, accounts_account a
WHERE a.id = ANY(%s::bigint[]) AND a.is_active
"""


def lock(connection: Connection, buyers: Collection[BuyerId]) -> tuple[int | None, dict[BuyerId, Buyer]]:
    """Lock the accounts of these buyers; return the catalog's version, and the buyers that are known and active."""
    rows = (
        Cursor(connection)
        .execute(
            _BUYERS,
            [
                arrays.of_bytes(key for key in buyers if isinstance(key, bytes)),
                arrays.of_numbers(account for account in buyers if isinstance(account, int)),
            ],
            prepare=True,
        )
        .fetchall()
    )
    if not rows:
        return None, {}
    accounts = ledger.lock(connection, {row[1] for row in rows})
    found: dict[BuyerId, Buyer] = {
        account if key is None else digest: Buyer(accounts[account], window, key, scope, networks)
        for _, account, window, digest, key, scope, networks in rows
    }
    return rows[0][0], found
