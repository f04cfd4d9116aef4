"""Providers in the back office, what they sell, and the routes by which ours reach theirs."""

from tradepost.providers.admin.offers import ProviderServiceAdmin
from tradepost.providers.admin.providers import ProviderAdmin
from tradepost.providers.admin.routes import RoutedServiceAdmin

__all__ = ["ProviderAdmin", "ProviderServiceAdmin", "RoutedServiceAdmin"]
