"""The ledger: the only place where money moves (docs/architecture.md, money).

A transfer moves a positive amount from one ledger account (debit) to another (credit). Customers' accounts store their
balance. The house's (the desk's own) accounts store none, so that transfers never wait for each other there: their
balances are summed on demand. Lock accounts in id order, once a transaction and late: `lock`, then decide, then `post`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import IntEnum

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays
from tradepost.engine.actors import actor_label
from tradepost.engine.enums import TextEnum
from tradepost.engine.errors import NotEnoughFunds
from tradepost.engine.exceptions import TradepostError
from tradepost.engine.money import ZERO

CUSTOMER_IDS_FROM = 1_000  # smaller ids are the house's accounts


class SystemAccount(IntEnum):
    """The ids of the house's ledger accounts. Migrations create their rows."""

    SALES = 1
    TOP_UPS = 2
    ADJUSTMENTS = 3
    PLAY = 4  # the house's side of all play money, so that it never mixes with real money


class TransferKind(TextEnum):
    CHARGE = "charge"
    PARTIAL = "partial"
    CANCEL = "cancel"
    UNUSED = "unused"
    TOP_UP = "top-up"
    ADJUSTMENT = "adjustment"

    @property
    def label(self) -> str:
        """The text on a statement."""
        return _LABELS[self]


_LABELS = {
    TransferKind.CHARGE: "Order",
    TransferKind.PARTIAL: "Refund of the undelivered part",
    TransferKind.CANCEL: "Refund of a canceled order",
    TransferKind.UNUSED: "Refund of runs or posts not made",
    TransferKind.TOP_UP: "Top-up",
    TransferKind.ADJUSTMENT: "Correction",
}


class OverdrawnError(TradepostError):
    """The account's balance is below its new limit."""

    def __init__(self, balance: Decimal) -> None:
        super().__init__(f"the balance is {balance}")
        self.balance = balance


class Locked(msgspec.Struct):
    """A customer's ledger account, whose row is locked. Posting a movement also updates `balance`."""

    id: int
    account: int
    balance: Decimal
    credit_limit: Decimal
    is_play: bool

    def can_pay(self, amount: Decimal) -> bool:
        return self.balance + self.credit_limit >= amount


class Movement(msgspec.Struct, frozen=True):
    """Money between the house and a customer: in (`amount` above zero) or out of the customer's account (below).

    `sequence` distinguishes an order's transfers of the same kind: a part's refund has the part's number.
    """

    account: Locked
    house: SystemAccount
    amount: Decimal
    kind: TransferKind
    order: int | None = None
    note: str = ""
    sequence: int = 0


class PastMovement(Movement, frozen=True, kw_only=True):
    at: datetime
    actor: str


class BooksBegunError(TradepostError):
    """The books already have transfers, so no history can be written: a past day never changes (decision 48)."""


_LOCK = """
SELECT id, account_id, balance, credit_limit, is_play FROM ledger_account
WHERE account_id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE
"""

_COLUMNS = "debit_id, credit_id, amount, balance_after, kind, order_id, note, sequence"
_ARRAYS = """
%s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[], %s::text[], %s::bigint[], %s::text[], %s::int[]
"""
_CHANGE_BALANCES = """
UPDATE ledger_account l SET balance = l.balance + new.change
FROM unnest(%s::bigint[], %s::numeric[]) AS new (id, change) WHERE l.id = new.id
"""

_POST = f"""
WITH moved AS (
    INSERT INTO ledger_transfer (actor, {_COLUMNS})
    SELECT %s, new.* FROM unnest({_ARRAYS}) AS new
)
{_CHANGE_BALANCES}
"""

_POST_PAST = f"""
WITH moved AS (
    INSERT INTO ledger_transfer ({_COLUMNS}, actor, at)
    SELECT * FROM unnest({_ARRAYS}, %s::text[], %s::timestamptz[])
)
{_CHANGE_BALANCES}
"""

_HAVE_BEGUN = "SELECT EXISTS (SELECT FROM ledger_transfer)"

_LAST = "SELECT currval('ledger_transfer_id_seq')"  # the last id in this connection

_SET_CREDIT_LIMIT = "UPDATE ledger_account SET credit_limit = %s WHERE id = %s"


def lock(connection: Connection, accounts: Iterable[int]) -> dict[int, Locked]:
    """Lock the ledger accounts of these accounts in id order; return them by account."""
    rows = Cursor(connection).execute(_LOCK, [arrays.of_numbers(accounts)], prepare=True)
    return {row[1]: Locked(*row) for row in rows}


def post(connection: Connection, movements: Sequence[Movement], *, actor: str) -> None:
    """Write movements in the given sequence, and update the balances. The accounts must be locked.

    The database also checks them: a CHECK refuses a balance beyond its limit, and a unique key a second refund.
    """
    if not movements:
        return
    columns, balances = _columns(movements)
    Cursor(connection).execute(_POST, [actor_label(actor), *columns, *balances], prepare=True)


def post_past(connection: Connection, movements: Sequence[PastMovement]) -> None:
    """Write past movements, sorted by time, into books without transfers. The accounts must be locked.

    Raises `BooksBegunError` if there are transfers, and `NotEnoughFunds` if an account would have passed its limit.
    """
    _check_limits(movements)
    cursor = Cursor(connection)
    if cursor.execute(_HAVE_BEGUN).fetchone() != (False,):
        raise BooksBegunError
    columns, balances = _columns(movements)
    actors = arrays.of_texts(actor_label(movement.actor) for movement in movements)
    moments = arrays.of_texts(movement.at.isoformat() for movement in movements)
    cursor.execute(_POST_PAST, [*columns, actors, moments, *balances])


def _check_limits(movements: Sequence[Movement]) -> None:
    """Check the limit after each movement, not only after the last. Raises `NotEnoughFunds`."""
    left: dict[int, Decimal] = {}
    for movement in movements:
        account = movement.account
        left[account.id] = left.get(account.id, account.balance + account.credit_limit) + movement.amount
        if left[account.id] < ZERO:
            raise NotEnoughFunds


def _columns(movements: Sequence[Movement]) -> tuple[list[str], list[str]]:
    """Return the columns of the transfers and of the changes of balances; also update `account.balance`."""
    rows = []
    changes: dict[int, Decimal] = {}
    for movement in movements:
        account = movement.account
        house = SystemAccount.PLAY if account.is_play else movement.house
        account.balance += movement.amount
        changes[account.id] = changes.get(account.id, ZERO) + movement.amount
        sides = (account.id, int(house)) if movement.amount < ZERO else (int(house), account.id)
        what = (movement.kind.value, movement.order, movement.note, movement.sequence)
        rows.append((*sides, abs(movement.amount), account.balance, *what))
    debit, credit, amount, after, kind, order, note, sequence = zip(*rows, strict=True)
    columns = [
        *(arrays.of_numbers(column) for column in (debit, credit, amount, after)),
        arrays.of_texts(kind),
        arrays.of_numbers(order),
        arrays.of_texts(note),
        arrays.of_numbers(sequence),
    ]
    return columns, [arrays.of_numbers(changes), arrays.of_numbers(changes.values())]


def top_up(connection: Connection, account: int, amount: Decimal, *, actor: str, note: str = "") -> Decimal:
    """Add an amount above zero to an account; return its new balance."""
    if amount <= ZERO:
        raise ValueError("a top-up adds funds")
    return _move(connection, account, amount, SystemAccount.TOP_UPS, TransferKind.TOP_UP, actor=actor, note=note)


def pay(
    connection: Connection,
    account: int,
    amount: Decimal,
    house: SystemAccount,
    kind: TransferKind,
    *,
    actor: str,
    note: str = "",
) -> int:
    """Pay an account from the house, or take money back (`amount` below zero); return the transfer's id.

    Raises `NotEnoughFunds` if the account would pass its limit.
    """
    _move(connection, account, amount, house, kind, actor=actor, note=note)
    [transfer] = Cursor(connection).execute(_LAST).fetchone() or ()
    return int(transfer)


def set_credit_limit(connection: Connection, account: int, limit: Decimal) -> Decimal:
    """Set how far below zero an account's balance may go; return the previous limit.

    Raises `OverdrawnError` if the balance is already below the new limit: the customer must pay the debt first.
    """
    locked = lock(connection, [account])[account]
    if locked.balance < -limit:
        raise OverdrawnError(locked.balance)
    Cursor(connection).execute(_SET_CREDIT_LIMIT, [limit, locked.id])
    return locked.credit_limit


def raise_credit_limit(connection: Connection, account: int, by: Decimal) -> Decimal:
    """Let an account's balance go further below zero by this amount, above zero; return the previous limit."""
    locked = lock(connection, [account])[account]
    Cursor(connection).execute(_SET_CREDIT_LIMIT, [locked.credit_limit + by, locked.id])
    return locked.credit_limit


def _move(
    connection: Connection,
    account: int,
    amount: Decimal,
    house: SystemAccount,
    kind: TransferKind,
    *,
    actor: str,
    note: str,
) -> Decimal:
    locked = lock(connection, [account])[account]
    if not locked.can_pay(-amount):
        raise NotEnoughFunds
    post(connection, [Movement(locked, house, amount, kind, note=note)], actor=actor)
    return locked.balance
