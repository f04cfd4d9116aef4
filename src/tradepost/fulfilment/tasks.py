"""Every task of this folder, where procrastinate looks for them."""

from tradepost.fulfilment.forget import forget
from tradepost.fulfilment.simulate import simulate

__all__ = ["forget", "simulate"]
