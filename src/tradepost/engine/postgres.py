"""What PostgreSQL can store, and which of its errors a retry can fix."""

from psycopg.errors import DeadlockDetected, SerializationFailure

BIGINT_MAX = 2**63 - 1
TRIES_MAX = 4  # for a transaction that conflicts with another one


def storable(text: str) -> str:
    """Return a text without what PostgreSQL can't store: NUL characters and lone surrogates."""
    return text.replace("\0", "").encode(errors="ignore").decode()


def is_conflict(error: BaseException | None) -> bool:
    """Return whether a transaction failed only because another one ran at the same time. A retry can then help."""
    return isinstance(error, DeadlockDetected | SerializationFailure)
