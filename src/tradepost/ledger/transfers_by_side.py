"""Queries for customers' transfers, one for each side, since debits and credits have separate indexes."""

from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, F, Func, QuerySet, Value

from tradepost.engine.ledger import TransferKind
from tradepost.ledger.models import Transfer

DEBIT, CREDIT = "debit", "credit"
_ANY = -1  # stands for the id of any account


def of_account(transfers: QuerySet[Transfer], account: int, kind: str = "") -> list[QuerySet[Transfer]]:
    """Return queries that together find each transfer of this ledger account once.

    If all transfers have one `kind`, pass it: a side on which it never occurs is left out. Otherwise a search for
    refunds, for instance, would read all of an account's charges.
    """
    return [transfers.filter(**{side: account}) for side in _sides(kind)]


def newest_of_accounts(
    transfers: QuerySet[Transfer], accounts: Iterable[int], limit: int, kind: str = ""
) -> QuerySet[Transfer]:
    """Return a query for the newest transfers of these ledger accounts, at most `limit` of them.

    This searches for them at once, and walks the index of each side of each account, the newest first. Each account is
    a value in a statement of its own: PostgreSQL would not know how few transfers it has if it were a column. Django
    composes only one of the statements, since two hundred take it longer than PostgreSQL. `kind` is as above.
    """
    walks, parameters, accounts = [], [], list(accounts)
    for side in _sides(kind):
        walk = transfers.filter(**{side: _ANY}).order_by("-pk").values("pk")[:limit]
        statement, values = walk.query.sql_with_params()
        for account in accounts:
            walks.append(f"({statement})")
            parameters += [account if value == _ANY else value for value in values]
    ids: list[int] = []
    if walks:
        with connection.cursor() as cursor:
            newest = f"SELECT id FROM ({' UNION ALL '.join(walks)}) AS found (id) ORDER BY id DESC LIMIT %s"
            cursor.execute(newest, [*parameters, limit])
            ids = [transfer for (transfer,) in cursor.fetchall()]
    return Transfer.objects.filter(_has_one_of(ids))


def _has_one_of(ids: list[int]) -> Func:
    """Compose `id = ANY (array)`: with thousands of ids it is several times faster than `id IN (...)`."""
    array = Value(ids, output_field=ArrayField(BigIntegerField()))
    in_brackets = Func(array, template="(%(expressions)s)")
    return Func(F("pk"), in_brackets, template="%(expressions)s", arg_joiner=" = ANY ", output_field=BooleanField())


def _sides(kind: str) -> tuple[str, ...]:
    """Return the sides on which transfers of a kind have the customer. The house is on the other side."""
    if kind == TransferKind.CHARGE:
        return (DEBIT,)
    return (CREDIT,) if kind in TransferKind.values() and kind != TransferKind.ADJUSTMENT else (DEBIT, CREDIT)
