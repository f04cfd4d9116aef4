"""How a page asks the engine: as the account that has signed in, in a transaction of its own, done again if need be."""

import secrets
from collections.abc import Callable

import psycopg
from django.db import transaction
from django.http import HttpRequest, QueryDict

from tradepost.accounts.models import Account
from tradepost.database import engine_connection
from tradepost.engine.idempotency import fingerprint
from tradepost.engine.order_types import Parameters

TRIES_MAX = 4
FINGERPRINT_CHARS = 16
FORM_NAME_BYTES = 18
FORM_NAME_CHARS_MAX = 64
UNSTORABLE = "\x00"  # what PostgreSQL can't keep in a text


def customer(request: HttpRequest) -> Account:
    """Return whoever has signed in; every view that asks is for people who have."""
    assert isinstance(request.user, Account)
    return request.user


def in_transaction[Answer](work: Callable[[psycopg.Connection], Answer]) -> Answer:
    """Do the engine's work and commit it; a deadlock undoes all of it, so then it is done again."""
    for _ in range(TRIES_MAX - 1):
        try:
            return _once(work)
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            continue
    return _once(work)


def _once[Answer](work: Callable[[psycopg.Connection], Answer]) -> Answer:
    with transaction.atomic():
        return work(engine_connection())


def form_name(form: QueryDict) -> str:
    """Return what a form that orders is called, made with it, so that the same one sent twice orders once."""
    return text_of(form, "name", chars_max=FORM_NAME_CHARS_MAX) or f"web-{secrets.token_urlsafe(FORM_NAME_BYTES)}"


def named(form: str, parameters: Parameters) -> str:
    """Return the idempotency key of an order that a form asks for.

    The same form with the same words is the same order, however often it is sent; mended words are another one.
    """
    return f"{form}-{fingerprint(parameters).hex()[:FINGERPRINT_CHARS]}"


def text_of(given: QueryDict, name: str, *, chars_max: int = 200) -> str:
    """Return a parameter of a page as something to look for: short, and nothing that can't be looked for."""
    return given.get(name, "").replace(UNSTORABLE, "").strip()[:chars_max]


def parameters_of(form: QueryDict, names: tuple[str, ...]) -> dict[str, str]:
    """Return what a form says about an order, as the API would have read it: stripped, without what is empty."""
    found = {name: form.get(name, "").replace(UNSTORABLE, "\ufffd").strip() for name in names}
    return {name: value for name, value in found.items() if value}
