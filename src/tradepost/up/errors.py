"""What keeps the desk from starting."""


class Unable(Exception):  # noqa: N818 - reads as what it says
    """Something outside the program has to be mended first; the message is the one line that the operator sees."""
