"""API keys: creating, limiting and revoking them."""

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

PLAY_BALANCE = Decimal(10_000)  # the least that a test account has after a test key was created


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
    """Create a key and return its text, which can't be read again later. Raises `ValueError` for a bad network.

    `requests_a_minute` is the key's own limit; 0 means no limit, and None means the desk's default. A test key belongs
    to the account's test account, which the first test key creates. Every test key tops its play balance up.
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


def owned_by(account: Account) -> QuerySet[Key]:
    """Return an account's keys, its test keys included."""
    return Key.objects.filter(Q(account=account) | Q(account__test_of=account))


def set_limit(key: int, requests_a_minute: int | None) -> bool:
    """Change a key's limit, which nodes apply within 5 s. Return False if the key is unknown or revoked."""
    return bool(Key.objects.filter(pk=key, revoked_at=None).update(requests_a_minute=requests_a_minute))


def revoke(key: int) -> bool:
    """Revoke a key: every node refuses it from the next request on. Return False if it is unknown or revoked."""
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
