"""Graceful shutdown of a worker: long tasks check `is_stopping` between two steps, or are cancelled within a step."""

import contextlib
import threading
from collections.abc import Iterator

import psycopg
from django.db import OperationalError

CANCEL_SECONDS_MAX = 5

_stopping = threading.Event()
_cancellable: set[psycopg.Connection] = set()
_lock = threading.Lock()  # so that a cancel never hits a statement that the connection runs after its context


def request_stop() -> None:
    """Make long tasks end at their next step, and cancel the statements in `cancelled_by_stop` contexts."""
    _stopping.set()
    with _lock:
        for connection in _cancellable:
            with contextlib.suppress(psycopg.Error):  # then the statement runs to its end
                connection.cancel_safe(timeout=CANCEL_SECONDS_MAX)


def is_stopping() -> bool:
    return _stopping.is_set()


@contextlib.contextmanager
def cancelled_by_stop(connection: psycopg.Connection) -> Iterator[None]:
    """On a stop, cancel the connection's current statement, roll it back, and leave the context without an error."""
    with _lock:
        _cancellable.add(connection)
    try:
        yield
    except OperationalError as error:
        if not (is_stopping() and isinstance(error.__cause__, psycopg.errors.QueryCanceled)):
            raise
    finally:
        with _lock:
            _cancellable.discard(connection)
