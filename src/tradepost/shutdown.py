"""Whether this worker has been asked to stop: long tasks look here between two steps, or are cancelled in one."""

import contextlib
import threading
from collections.abc import Iterator

import psycopg
from django.db import OperationalError

CANCEL_SECONDS_MAX = 5

_stopping = threading.Event()
_cancelled: set[psycopg.Connection] = set()  # once it is time to stop
_lock = threading.Lock()  # so that nothing is cancelled that a connection is asked for later


def stop() -> None:
    """Have long tasks end at their next step, and cancel those that let themselves be cancelled."""
    _stopping.set()
    with _lock:
        for connection in _cancelled:
            with contextlib.suppress(psycopg.Error):  # then it lasts as long as it lasts
                connection.cancel_safe(timeout=CANCEL_SECONDS_MAX)


def is_stopping() -> bool:
    """Tell whether to end."""
    return _stopping.is_set()


@contextlib.contextmanager
def cancelled_by_stop(connection: psycopg.Connection) -> Iterator[None]:
    """Leave the context when it is time to stop, in the midst of what the database does for it; that is rolled back."""
    with _lock:
        _cancelled.add(connection)
    try:
        yield
    except OperationalError as error:
        if not (is_stopping() and isinstance(error.__cause__, psycopg.errors.QueryCanceled)):
            raise
    finally:
        with _lock:
            _cancelled.discard(connection)
