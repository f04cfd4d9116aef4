"""Making and revoking API keys."""

from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from tradepost.accounts.models import Account, Key
from tradepost.database import engine_connection
from tradepost.engine import keys, ledger
from tradepost.engine.keys import Scope

PLAY_BALANCE = Decimal(10_000)  # what a test key finds at least when it is made


@transaction.atomic
def create(
    account: Account, *, name: str = "", scope: Scope = Scope.ORDER, networks: Sequence[str] = (), test: bool = False
) -> str:
    """Make a key and return its text, which can't be had again. Raises `ValueError` for a bad network.

    A test key belongs to the account's test account, which is made with the first one; each fills its play balance up.
    """
    new = keys.generate(test=test)
    Key.objects.create(
        account=_test_account(account) if test else account,
        name=name,
        digest=new.digest,
        hint=new.hint,
        scope=scope.value,
        networks=[keys.tidy_network(network) for network in networks],
    )
    return new.text


def of(account: Account) -> QuerySet[Key]:
    """Return an account's keys, those for tests among them."""
    return Key.objects.filter(Q(account=account) | Q(account__test_of=account))


def _test_account(account: Account) -> Account:
    test, _ = Account.objects.get_or_create(
        test_of=account,
        defaults={
            "email": None,
            "is_active": account.is_active,
            "duplicate_window_seconds": account.duplicate_window_seconds,
        },
    )
    connection = engine_connection()
    balance = ledger.lock(connection, [test.pk])[test.pk].balance
    if balance < PLAY_BALANCE:
        ledger.top_up(connection, test.pk, PLAY_BALANCE - balance, actor="test key", note="Play money")
    return test


def revoke(key: int) -> bool:
    """Revoke a key: from the next request on it is refused, on every node. Tell whether it was good until now."""
    return bool(Key.objects.filter(pk=key, revoked_at=None).update(revoked_at=Now()))
