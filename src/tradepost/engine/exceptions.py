"""The base of every exception that Tradepost raises itself."""


class TradepostError(Exception):
    """Something failed that Tradepost foresees. Refusals of the API derive from it, too (`tradepost.engine.errors`)."""
