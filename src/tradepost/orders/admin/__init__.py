"""Orders in the back office: the list and what is done to many of them at once, work by hand, and what is stuck."""

from tradepost.orders.admin.bulk import BulkActionAdmin
from tradepost.orders.admin.inlines import DISPATCH_COLOURS
from tradepost.orders.admin.orders import OrderAdmin
from tradepost.orders.admin.requests import CancelRequestAdmin, RefillAdmin
from tradepost.orders.admin.stuck import StuckOrderAdmin

__all__ = [
    "DISPATCH_COLOURS",
    "BulkActionAdmin",
    "CancelRequestAdmin",
    "OrderAdmin",
    "RefillAdmin",
    "StuckOrderAdmin",
]
