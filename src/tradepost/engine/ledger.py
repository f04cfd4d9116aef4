"""The ledger: the only place where money moves (docs/architecture.md, money).

A transfer moves a positive amount from one ledger account (debit) to another (credit). Customers' accounts carry a
balance; the house's own are summed when asked for, so that no row is hot. Accounts are locked in id order, once a
transaction and late: `lock`, then decide, then `post`.
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

CUSTOMER_IDS_FROM = 1_000  # the ids below are the house's own accounts


class SystemAccount(IntEnum):
    """The house's own ledger accounts, by id; the migrations make their rows."""

    SALES = 1
    TOP_UPS = 2
    ADJUSTMENTS = 3
    PLAY = 4  # the other side of all play money, so that it never mixes with real money


class TransferKind(TextEnum):
    """What a transfer is for."""

    CHARGE = "charge"
    PARTIAL = "partial"
    CANCEL = "cancel"
    UNUSED = "unused"
    TOP_UP = "top-up"
    ADJUSTMENT = "adjustment"

    @property
    def label(self) -> str:
        """How a statement calls it."""
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
    """The account's balance is below what is to be its limit."""

    def __init__(self, balance: Decimal) -> None:
        super().__init__(f"the balance is {balance}")
        self.balance = balance


class Locked(msgspec.Struct):
    """A customer's ledger account, its row locked; `balance` follows what is posted. It holds real or play money."""

    id: int
    account: int
    balance: Decimal
    credit_limit: Decimal
    is_play: bool

    def can_pay(self, amount: Decimal) -> bool:
        """Tell whether balance and credit limit cover `amount`."""
        return self.balance + self.credit_limit >= amount


class Movement(msgspec.Struct, frozen=True):
    """Money that goes into a customer's account (`amount` above zero) or out of it (below), from or to the house.

    `sequence` tells apart transfers of one kind of an order: the refunds for its parts have the parts' numbers.
    """

    account: Locked
    house: SystemAccount
    amount: Decimal
    kind: TransferKind
    order: int | None = None
    note: str = ""
    sequence: int = 0


class PastMovement(Movement, frozen=True, kw_only=True):
    """A movement that was: when, and whose."""

    at: datetime
    actor: str


class BooksBegunError(TradepostError):
    """Money has moved already, so nothing can be written behind it: a past day never changes (decision 48)."""


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

_LAST = "SELECT currval('ledger_transfer_id_seq')"  # of this connection's own

_SET_CREDIT_LIMIT = "UPDATE ledger_account SET credit_limit = %s WHERE id = %s"


def lock(connection: Connection, accounts: Iterable[int]) -> dict[int, Locked]:
    """Lock the ledger accounts of these accounts, in id order, and return them by account."""
    rows = Cursor(connection).execute(_LOCK, [arrays.of_numbers(accounts)], prepare=True)
    return {row[1]: Locked(*row) for row in rows}


def post(connection: Connection, movements: Sequence[Movement], *, actor: str) -> None:
    """Write movements, in their order, and change the balances by them. The accounts must be locked.

    The database has the last word: a CHECK refuses a balance beyond its limit, a unique key a second refund.
    """
    if not movements:
        return
    columns, balances = _columns(movements)
    Cursor(connection).execute(_POST, [actor_label(actor), *columns, *balances], prepare=True)


def post_past(connection: Connection, movements: Sequence[PastMovement]) -> None:
    """Write down movements that were, in the order of time, into books that have not begun. The accounts are locked.

    Raises `BooksBegunError` if they have, and `NotEnoughFunds` where an account would have passed its limit.
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
    """Go through movements one by one: each leaves its account within its limit, not only the last one."""
    left: dict[int, Decimal] = {}
    for movement in movements:
        account = movement.account
        left[account.id] = left.get(account.id, account.balance + account.credit_limit) + movement.amount
        if left[account.id] < ZERO:
            raise NotEnoughFunds


def _columns(movements: Sequence[Movement]) -> tuple[list[str], list[str]]:
    """Return the columns of the transfers, and by how much which balance changes; the accounts follow."""
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
    """Add funds, an amount above zero, to an account and return its new balance."""
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
    """Give an account money of the house, or take it back (below zero), and return the transfer's id.

    Raises `NotEnoughFunds` rather than pass the account's limit.
    """
    _move(connection, account, amount, house, kind, actor=actor, note=note)
    [transfer] = Cursor(connection).execute(_LAST).fetchone() or ()
    return int(transfer)


def set_credit_limit(connection: Connection, account: int, limit: Decimal) -> Decimal:
    """Let an account's balance go so far below zero, and return how far it might before.

    Raises `OverdrawnError` if it is further below already: what is owed is paid first.
    """
    locked = lock(connection, [account])[account]
    if locked.balance < -limit:
        raise OverdrawnError(locked.balance)
    Cursor(connection).execute(_SET_CREDIT_LIMIT, [limit, locked.id])
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
