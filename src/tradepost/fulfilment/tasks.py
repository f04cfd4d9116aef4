"""Every task of this folder, where procrastinate looks for them."""

from tradepost.fulfilment.expire import expire
from tradepost.fulfilment.forget import forget
from tradepost.fulfilment.run import run
from tradepost.fulfilment.simulate import simulate

__all__ = ["expire", "forget", "run", "simulate"]
