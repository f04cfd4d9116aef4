"""A desk whose orders go to panels as they really are."""

from tests.fulfilment.conftest import make_provider, make_routed, provider, routed, upstream

__all__ = ["make_provider", "make_routed", "provider", "routed", "upstream"]
