"""Whether this worker has been asked to stop: long tasks look here between two steps."""

import threading

_stopping = threading.Event()


def stop() -> None:
    """Have long tasks end at their next step."""
    _stopping.set()


def is_stopping() -> bool:
    """Tell whether to end."""
    return _stopping.is_set()
