"""PostgreSQL's largest integer, and which errors a retry can fix."""

from psycopg.errors import DeadlockDetected, SerializationFailure

BIGINT_MAX = 2**63 - 1
TRIES_MAX = 4  # for a transaction that conflicts with another one


def is_conflict(error: BaseException | None) -> bool:
    """Return whether a transaction failed only because another one ran at the same time. A retry can then help."""
    return isinstance(error, DeadlockDetected | SerializationFailure)
