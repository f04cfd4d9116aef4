"""Making and revoking API keys."""

from collections.abc import Sequence

from django.db.models.functions import Now

from tradepost.accounts.models import Account, Key
from tradepost.engine import keys
from tradepost.engine.keys import Scope


def create(account: Account, *, name: str = "", scope: Scope = Scope.ORDER, networks: Sequence[str] = ()) -> str:
    """Make a key and return its text, which can't be had again. Raises `ValueError` for a bad network."""
    new = keys.generate()
    Key.objects.create(
        account=account,
        name=name,
        digest=new.digest,
        hint=new.hint,
        scope=scope.value,
        networks=[keys.tidy_network(network) for network in networks],
    )
    return new.text


def revoke(key: int) -> bool:
    """Revoke a key: from the next request on it is refused, on every node. Tell whether it was good until now."""
    return bool(Key.objects.filter(pk=key, revoked_at=None).update(revoked_at=Now()))
