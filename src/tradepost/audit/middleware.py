"""The middleware that sets the audit log's actor for each request that may change rows."""

from ipaddress import ip_address
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse

from tradepost.audit.actions import log_request
from tradepost.audit.actor import Actor, ActorKind, acting
from tradepost.http_types import GetResponse

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HIJACKERS = "hijack_history"  # django-hijack's list of the ids of impersonating accounts, the first one first


def audit_actor_middleware(get_response: GetResponse) -> GetResponse:
    """Attribute changes to the signed-in user, or to the staff member impersonating them."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in SAFE:
            return get_response(request)
        actor = _actor(request)
        with acting(actor):
            response = get_response(request)
            if actor.kind == ActorKind.STAFF.value:
                log_request(request, response)
            return response

    return answer


def _address(request: HttpRequest) -> str | None:
    """Return the request's IP address, from the server or its trusted proxy; None for a Unix socket."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def _actor(request: HttpRequest) -> Actor:
    account: Any = request.user
    address = _address(request)
    if not account.is_authenticated:
        return Actor(kind=ActorKind.VISITOR.value, name=ActorKind.VISITOR.value, address=address)
    acting_as = None
    if hijackers := request.session.get(HIJACKERS):
        acting_as, account = account.pk, get_user_model().objects.get(pk=hijackers[0])
    kind = ActorKind.STAFF if account.is_staff else ActorKind.CUSTOMER
    return Actor(kind=kind.value, name=str(account), id=account.pk, acting_as=acting_as, address=address)
