"""Django's connection, lent to the engine."""

import psycopg
from django.db import connection


def engine_connection() -> psycopg.Connection:
    """Lend Django's connection to the engine. Call it inside `transaction.atomic`, which commits for both."""
    connection.ensure_connection()
    raw = connection.connection
    assert isinstance(raw, psycopg.Connection)
    return raw
