"""Requests that may change something tell the database who makes them."""

from ipaddress import ip_address
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse

from tradepost.audit.actions import note_request
from tradepost.audit.actor import Actor, ActorKind, acting
from tradepost.http_types import GetResponse

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HIJACKERS = "hijack_history"  # where django-hijack keeps who has logged in as somebody, the first one first


def audit_actor_middleware(get_response: GetResponse) -> GetResponse:
    """Have what a request changes be on whoever has signed in; or on who has logged in as them, if somebody has."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in SAFE:
            return get_response(request)
        actor = _actor(request)
        with acting(actor):
            response = get_response(request)
            if actor.kind == ActorKind.STAFF.value:
                note_request(request, response)
            return response

    return answer


def _address(request: HttpRequest) -> str | None:
    """Return where a request comes from, as the server knows it or a proxy that it trusts says; None off the net."""
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
