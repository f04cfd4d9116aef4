"""Lends Django's database connection to the engine."""

from collections.abc import Callable

import psycopg
from django.db import OperationalError, connection, transaction

from tradepost.engine.postgres import TRIES_MAX, is_conflict


def engine_connection() -> psycopg.Connection:
    """Return Django's connection. If the database has dropped the connection since the last request, open a new one.

    A caller that writes must be inside `transaction.atomic`, which commits Django's and the engine's statements.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    raw = connection.connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def in_transaction[T](work: Callable[[psycopg.Connection], T]) -> T:
    """Run `work` in a transaction of its own and return its result.

    After a deadlock or a serialization failure, run `work` again: at most `TRIES_MAX` times in all.
    """
    for tries_left in reversed(range(TRIES_MAX)):
        try:
            with transaction.atomic(durable=True):
                return work(engine_connection())
        except (OperationalError, psycopg.OperationalError) as error:  # from Django's statements, or the engine's
            cause = error if isinstance(error, psycopg.Error) else error.__cause__
            if not is_conflict(cause) or not tries_left:
                raise
    raise AssertionError("the last try returns or raises")
