"""The error that keeps the desk from starting."""


class StartError(Exception):
    """The operator has to fix something outside the program first. The message is the one line that they see."""
