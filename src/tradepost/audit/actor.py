"""Who changes something: told to the database for as long as it holds, and read there by the triggers of the log.

It is told as the setting `tradepost.actor` of the session or of the transaction. One that nobody has told is known by
the name of its program, or of its role in the database: someone with `psql`, perhaps.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
from django.db import DatabaseError, connection

from tradepost.engine.enums import TextEnum

SETTING = "tradepost.actor"
_TELL = f"SELECT set_config('{SETTING}', %s, %s)"


class ActorKind(TextEnum):
    """What an actor is."""

    STAFF = "staff"
    CUSTOMER = "customer"
    VISITOR = "visitor"  # has not signed in
    COMMAND = "command"
    WORKER = "worker"
    DATABASE = "database"  # came by neither


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who changes something: an account or a program; as whom, if logged in as somebody else; and from where."""

    kind: str
    name: str
    id: int | None = None
    acting_as: int | None = None
    address: str | None = None


_own: Actor | None = None  # what this process is
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Have what is changed meanwhile be this actor's, on this thread's connection, in transactions or without."""
    token = _acting.set(actor)
    try:
        if connection.connection is not None:  # else it is told once it is made
            _tell(actor)
        yield
    finally:
        _acting.reset(token)
        _take_back()


def quietly() -> None:
    """Have the rest of this transaction leave no entries: what follows providers' lists has a log of its own."""
    with connection.cursor() as cursor:
        cursor.execute(_TELL, ['{"kind":"quiet"}', True])


def set_actor(kind: ActorKind, name: str) -> None:
    """Say what this process is: what it changes is its own doing, unless somebody is acting."""
    global _own  # noqa: PLW0603 - a process is one thing
    _own = Actor(kind=kind.value, name=name)
    if connection.connection is not None:
        _tell(_own)


def set_actor_on_connect(**_: Any) -> None:
    """Tell a connection just made who is at work."""
    actor = _acting.get() or _own
    if actor:
        _tell(actor)


def _take_back() -> None:
    """Have the connection be this process's again; one that can't be told so is not used any more."""
    try:
        if connection.connection is not None:
            _tell(_acting.get() or _own)
    except DatabaseError:
        connection.close()


def _tell(actor: Actor | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_TELL, [msgspec.json.encode(actor).decode() if actor else "", False])
