"""What staff did with accounts, written down beside it: who, when, from where, why (append-only)."""

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from tradepost.accounts.models import Account, AccountEvent, EventKind
from tradepost.engine.actors import actor_label


def record(
    request: HttpRequest, account: Account, kind: EventKind, *, reason: str = "", before: str = "", after: str = ""
) -> None:
    """Write down what whoever asks has done; call it in the transaction that does it."""
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
    """Return where a request comes from."""
    return str(get_adapter().get_client_ip(request))
