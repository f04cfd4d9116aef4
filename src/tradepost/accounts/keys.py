"""Making and revoking API keys."""

from collections.abc import Sequence

from django.db.models.functions import Now

from tradepost.accounts.models import Account, Key
from tradepost.engine import keys
from tradepost.engine.keys import Scope


def create(
    account: Account,
    *,
    name: str = "",
    scope: Scope = Scope.ORDER,
    networks: Sequence[str] = (),
    requests_a_minute: int | None = None,
) -> str:
    """Make a key and return its text, which can't be had again. Raises `ValueError` for a bad network.

    `requests_a_minute` is a limit of its own, 0 for none; with None the desk's default holds.
    """
    new = keys.generate()
    Key.objects.create(
        account=account,
        name=name,
        digest=new.digest,
        hint=new.hint,
        scope=scope.value,
        networks=[keys.tidy_network(network) for network in networks],
        requests_a_minute=requests_a_minute,
    )
    return new.text


def limit(key: int, requests_a_minute: int | None) -> bool:
    """Change how often a good key may ask, and tell whether there is one. Each node knows within 5 s of its use."""
    return bool(Key.objects.filter(pk=key, revoked_at=None).update(requests_a_minute=requests_a_minute))


def revoke(key: int) -> bool:
    """Revoke a key: from the next request on it is refused, on every node. Tell whether it was good until now."""
    return bool(Key.objects.filter(pk=key, revoked_at=None).update(revoked_at=Now()))
