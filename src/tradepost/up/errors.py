"""The error that keeps the desk from starting."""

from tradepost.engine.exceptions import TradepostError


class StartError(TradepostError):
    """The operator has to fix something outside the program first. The message is the one line that they see."""
