"""The record of what staff did with accounts: who, when, from where, why (append-only)."""

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from tradepost.accounts.models import Account, AccountEvent, EventKind
from tradepost.engine.actors import actor_label


def record(
    request: HttpRequest, account: Account, kind: EventKind, *, reason: str = "", before: str = "", after: str = ""
) -> None:
    """Record what the signed-in member of staff has done. Call this in the transaction that does it."""
    AccountEvent.objects.create(
        account=account,
        actor=actor_label(str(request.user)),
        address=address_of(request),
        kind=kind.value,
        before=before,
        after=after,
        reason=reason,
    )


def address_of(request: HttpRequest) -> str:
    """Return the IP address that a request comes from."""
    return str(get_adapter().get_client_ip(request))
