"""Queries for customers' transfers, one for each side, since debits and credits have separate indexes."""

from collections.abc import Iterable

from django.db.models import QuerySet

from tradepost.engine.ledger import TransferKind
from tradepost.ledger.models import Transfer

DEBIT, CREDIT = "debit", "credit"


def of_accounts(transfers: QuerySet[Transfer], accounts: Iterable[int], kind: str = "") -> list[QuerySet[Transfer]]:
    """Return queries that together find each transfer of these ledger accounts once.

    If all transfers have one `kind`, pass it: a side on which it never occurs is left out. Otherwise a search for
    refunds, for instance, would read all of an account's charges.
    """
    return [transfers.filter(**{side: account}) for account in accounts for side in _sides(kind)]


def _sides(kind: str) -> tuple[str, ...]:
    """Return the sides on which transfers of a kind have the customer. The house is on the other side."""
    if kind == TransferKind.CHARGE:
        return (DEBIT,)
    return (CREDIT,) if kind in TransferKind.values() and kind != TransferKind.ADJUSTMENT else (DEBIT, CREDIT)
