"""What ends a benchmark."""


class Failed(Exception):  # noqa: N818 - reads as what it says
    """The benchmark can't go on, or its figures would be worth nothing; the message says why."""
