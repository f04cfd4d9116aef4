"""The base of all exceptions that Tradepost defines."""


class TradepostError(Exception):
    """An expected failure. The API's refusals derive from it, too (`tradepost.engine.errors`)."""
