"""The transfers of customers' accounts, by side: those out of an account and those into it each have an index."""

from collections.abc import Iterable

from django.db.models import QuerySet

from tradepost.engine.ledger import TransferKind
from tradepost.ledger.models import Transfer

DEBIT, CREDIT = "debit", "credit"


def of_accounts(found: QuerySet[Transfer], accounts: Iterable[int], kind: str = "") -> list[QuerySet[Transfer]]:
    """Return the transfers of some ledger accounts, a query for each side of each; together they have each one once.

    Of one kind, the sides on which it never is are left out: nothing stops a walk through charges for a refund.
    """
    return [found.filter(**{side: account}) for account in accounts for side in _sides(kind)]


def _sides(kind: str) -> tuple[str, ...]:
    """Return where transfers of a kind have the customer; the house is on the other side of every transfer."""
    if kind == TransferKind.CHARGE:
        return (DEBIT,)
    return (CREDIT,) if kind in TransferKind.values() and kind != TransferKind.ADJUSTMENT else (DEBIT, CREDIT)
