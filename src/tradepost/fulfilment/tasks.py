"""Every task of this folder, where procrastinate looks for them."""

from tradepost.fulfilment.bulk import bulk, sweep_bulk
from tradepost.fulfilment.expire import expire
from tradepost.fulfilment.forget import forget
from tradepost.fulfilment.mend import mend
from tradepost.fulfilment.run import run
from tradepost.fulfilment.simulate import simulate
from tradepost.fulfilment.sync import sync, sync_all
from tradepost.fulfilment.visit import sweep, visit
from tradepost.fulfilment.watch import watch

__all__ = [
    "bulk",
    "expire",
    "forget",
    "mend",
    "run",
    "simulate",
    "sweep",
    "sweep_bulk",
    "sync",
    "sync_all",
    "visit",
    "watch",
]
