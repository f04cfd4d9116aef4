"""The catalog in the back office: what is for sale, in which order, and who pays what for it."""

from tradepost.catalog.admin.categories import CategoryAdmin
from tradepost.catalog.admin.custom_rates import CustomRateAdmin
from tradepost.catalog.admin.price_lists import PriceListAdmin
from tradepost.catalog.admin.services import ServiceAdmin

__all__ = ["CategoryAdmin", "CustomRateAdmin", "PriceListAdmin", "ServiceAdmin"]
