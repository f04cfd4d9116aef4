"""Every task of this folder, where procrastinate looks for them."""

from tradepost.fulfilment.expire import expire
from tradepost.fulfilment.forget import forget
from tradepost.fulfilment.mend import mend
from tradepost.fulfilment.run import run
from tradepost.fulfilment.simulate import simulate
from tradepost.fulfilment.sync import sync, sync_all
from tradepost.fulfilment.visit import sweep, visit

__all__ = ["expire", "forget", "mend", "run", "simulate", "sweep", "sync", "sync_all", "visit"]
