"""What the engine and its callers need to know about PostgreSQL: its largest integer, and when to try again."""

from psycopg.errors import DeadlockDetected, SerializationFailure

BIGINT_MAX = 2**63 - 1
TRIES_MAX = 4  # for a transaction that loses to another one


def is_conflict(error: BaseException | None) -> bool:
    """Return whether a transaction failed only because another one ran at the same time, so that a retry can help."""
    return isinstance(error, DeadlockDetected | SerializationFailure)
