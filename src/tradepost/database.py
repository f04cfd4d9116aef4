"""Django's connection, lent to the engine."""

import psycopg
from django.db import connection


def engine_connection() -> psycopg.Connection:
    """Lend Django's connection to the engine, anew if the database has dropped it since the last request.

    What writes calls it inside `transaction.atomic`, which commits for both.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    raw = connection.connection
    assert isinstance(raw, psycopg.Connection)
    return raw
