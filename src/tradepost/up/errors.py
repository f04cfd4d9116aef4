"""What keeps the desk from starting."""

from tradepost.engine.exceptions import TradepostError


class StartError(TradepostError):
    """Something outside the program has to be mended first; the message is the one line that the operator sees."""
