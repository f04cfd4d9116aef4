"""The books, from Django's side: the engine's functions on Django's own connection, inside its transaction."""

from decimal import Decimal

from django.db import transaction

from tradepost.database import engine_connection
from tradepost.engine import integrity, ledger, money
from tradepost.engine.integrity import Finding
from tradepost.engine.ledger import OverdrawnError


def check() -> list[Finding]:
    """Prove the books on one state of the database; clean books return nothing."""
    with transaction.atomic():
        raw = engine_connection()
        raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return list(integrity.check(raw))


def top_up(account: int, amount: Decimal, *, actor: str, note: str = "") -> Decimal:
    """Add funds to an account and return its new balance."""
    with transaction.atomic():
        return ledger.top_up(engine_connection(), account, amount, actor=actor, note=note)


def set_credit_limit(account: int, limit: Decimal) -> Decimal:
    """Let an account's balance go so far below zero, and return how far it might before.

    Raises `ValueError` with a sentence if the account owes more than that now.
    """
    try:
        with transaction.atomic():
            return ledger.set_credit_limit(engine_connection(), account, limit)
    except OverdrawnError as error:
        owed = money.show(-error.balance)
        raise ValueError(f"It owes {owed}, so its credit limit can't be less than that.") from None
