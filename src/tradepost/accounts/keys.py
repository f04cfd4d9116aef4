"""Making and revoking API keys."""

from collections.abc import Sequence
from decimal import Decimal

from django.contrib.auth.hashers import make_password
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
    account: Account,
    *,
    name: str = "",
    scope: Scope = Scope.ORDER,
    networks: Sequence[str] = (),
    requests_a_minute: int | None = None,
    test: bool = False,
) -> str:
    """Make a key and return its text, which can't be had again. Raises `ValueError` for a bad network.

    `requests_a_minute` is a limit of its own, 0 for none; with None the desk's default holds. A test key belongs to the
    account's test account, which is made with the first one; each fills its play balance up.
    """
    new = keys.generate(test=test)
    Key.objects.create(
        account=_test_account(account) if test else account,
        name=name,
        digest=new.digest,
        prefix=new.prefix,
        scope=scope.value,
        networks=[keys.tidy_network(network) for network in networks],
        requests_a_minute=requests_a_minute,
    )
    return new.text


def of(account: Account) -> QuerySet[Key]:
    """Return an account's keys, those for tests among them."""
    return Key.objects.filter(Q(account=account) | Q(account__test_of=account))


def limit(key: int, requests_a_minute: int | None) -> bool:
    """Change how often a good key may ask, and tell whether there is one. Each node knows within 5 s of its use."""
    return bool(Key.objects.filter(pk=key, revoked_at=None).update(requests_a_minute=requests_a_minute))


def revoke(key: int) -> bool:
    """Revoke a key: from the next request on it is refused, on every node. Tell whether it was good until now."""
    return bool(Key.objects.filter(pk=key, revoked_at=None).update(revoked_at=Now()))


def _test_account(account: Account) -> Account:
    test, _ = Account.objects.get_or_create(
        test_of=account,
        defaults={
            "email": None,
            "password": make_password(None),
            "is_active": account.is_active,
            "duplicate_window_seconds": account.duplicate_window_seconds,
        },
    )
    connection = engine_connection()
    balance = ledger.lock(connection, [test.pk])[test.pk].balance
    if balance < PLAY_BALANCE:
        ledger.top_up(connection, test.pk, PLAY_BALANCE - balance, actor="test key", note="Play money")
    return test
