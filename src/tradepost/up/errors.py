"""What keeps the desk from starting."""


class StartError(Exception):
    """Something outside the program has to be mended first; the message is the one line that the operator sees."""
