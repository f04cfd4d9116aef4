"""The actor: who changes rows. The database session knows it, so that the audit triggers can record it.

It is stored in the setting `tradepost.actor` of the session or the transaction. Without that setting (for instance in
`psql`), entries have the program's `application_name` or the database role.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
from django.db import DatabaseError, connection

from tradepost.engine.enums import TextEnum

SETTING = "tradepost.actor"
_SET = f"SELECT set_config('{SETTING}', %s, %s)"


class ActorKind(TextEnum):
    STAFF = "staff"
    CUSTOMER = "customer"
    VISITOR = "visitor"  # has not signed in
    COMMAND = "command"
    WORKER = "worker"
    DATABASE = "database"  # a connection that did not set an actor


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account or a program that changes rows. `acting_as` is the customer during impersonation."""

    kind: str
    name: str
    id: int | None = None
    acting_as: int | None = None
    address: str | None = None


_process_actor: Actor | None = None
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Attribute the changes made in this block to `actor`, on this thread's connection, in a transaction or not."""
    token = _acting.set(actor)
    try:
        if connection.connection is not None:  # else `set_actor_on_connect` does it
            _set_on_connection(actor)
        yield
    finally:
        _acting.reset(token)
        _restore()


def disable_for_transaction() -> None:
    """Write no audit entries in the rest of this transaction. For provider syncs, which have a log of their own."""
    with connection.cursor() as cursor:
        cursor.execute(_SET, ['{"kind":"disabled"}', True])


def set_actor(kind: ActorKind, name: str) -> None:
    """Set the actor of this process, which holds outside of `acting` blocks."""
    global _process_actor  # noqa: PLW0603 - a process has one actor
    _process_actor = Actor(kind=kind.value, name=name)
    if connection.connection is not None:
        _set_on_connection(_process_actor)


def set_actor_on_connect(**_: Any) -> None:
    """Set the actor on a new connection. A receiver of `connection_created`."""
    actor = _acting.get() or _process_actor
    if actor:
        _set_on_connection(actor)


def _restore() -> None:
    """Set the outer actor again. If that fails, close the connection, so that nobody acts under a wrong name."""
    try:
        if connection.connection is not None:
            _set_on_connection(_acting.get() or _process_actor)
    except DatabaseError:
        connection.close()


def _set_on_connection(actor: Actor | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SET, [msgspec.json.encode(actor).decode() if actor else "", False])
