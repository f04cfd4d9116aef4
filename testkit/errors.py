"""The error that ends a run."""


class RunFailedError(Exception):
    """The run can't go on, or its results would be worth nothing; the message says why."""
