"""The engine's ledger functions for Django code: on Django's own connection, inside its transaction."""

from decimal import Decimal

from django.db import transaction

from tradepost import formats
from tradepost.database import engine_connection
from tradepost.engine import books_check, ledger
from tradepost.engine.books_check import Finding
from tradepost.engine.ledger import OverdrawnError
from tradepost.site_settings import effective as site_settings


def check() -> list[Finding]:
    """Return what is wrong in the books, all rules on one snapshot. Correct books return an empty list."""
    with transaction.atomic():
        connection = engine_connection()
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return list(books_check.check(connection))


def top_up(account: int, amount: Decimal, *, actor: str, note: str = "") -> Decimal:
    """Add funds to an account and return its new balance."""
    with transaction.atomic():
        return ledger.top_up(engine_connection(), account, amount, actor=actor, note=note)


def lower_credit_limit(account: int, limit: Decimal) -> Decimal:
    """Lower how far an account's balance may go below zero. Return the old limit. `payments` raises it.

    Raises `ValueError`, with a sentence for the user, if the account owes more than the new limit now, or if the limit
    would not be lower.
    """
    try:
        with transaction.atomic():
            before = ledger.set_credit_limit(engine_connection(), account, limit)
            if limit > before:
                raise ValueError("Its credit limit has been changed meanwhile: look again.")
            return before
    except OverdrawnError as error:
        owed = formats.exact_money(-error.balance, site_settings.currency())
        raise ValueError(f"It owes {owed}, so its credit limit can't be less than that.") from None
