"""The books, from Django's side: the engine's functions on Django's own connection, inside its transaction."""

from decimal import Decimal

from django.db import transaction

from tradepost.database import engine_connection
from tradepost.engine import checking, ledger
from tradepost.engine.checking import Finding


def check() -> list[Finding]:
    """Prove the books on one state of the database; clean books return nothing."""
    with transaction.atomic():
        raw = engine_connection()
        raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return list(checking.check(raw))


def top_up(account: int, amount: Decimal, *, actor: str, note: str = "") -> Decimal:
    """Add funds to an account and return its new balance."""
    with transaction.atomic():
        return ledger.top_up(engine_connection(), account, amount, actor=actor, note=note)
