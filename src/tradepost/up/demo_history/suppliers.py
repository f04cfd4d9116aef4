"""The suppliers of some orders in the demo's past, and their rates."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from tradepost.catalog.models import Service
from tradepost.providers.models import Provider, ProviderService, Route

# For each supplier, how the names of its services begin. It sells no services with refill: nobody is there to refill.
SUPPLIERS = {
    "Harbour Wholesale": ("Pixelpond", "Tunebarn Saves", "Website"),
    "Mill Lane Supply": ("Chatterbird", "Reelhaven"),
}
COST_PERCENT = (52, 78)  # of our rate

type Offers = dict[int, ProviderService]  # by our service


def make_suppliers(rng: random.Random, services: Sequence[Service]) -> Offers:
    """Make paused providers with routes from some of these services. Return their offers by our service."""
    offers: Offers = {}
    for name, beginnings in SUPPLIERS.items():
        offers |= _supplier(rng, name, [s for s in services if s.name.startswith(beginnings) and not s.refill])
    return offers


def _supplier(rng: random.Random, name: str, services: Sequence[Service]) -> Offers:
    """Make a paused provider, its offers, and a route from each service to its offer."""
    provider = Provider(
        name=name,
        url=f"https://{name.split(maxsplit=1)[0].lower()}.example/api/v2",
        is_paused=True,
        balance=Decimal(rng.randint(20_000, 90_000)) / 100,
        balance_at=datetime.now(UTC),
        synced_at=datetime.now(UTC),
    )
    provider.key = "nobody is there"
    provider.save()
    offers = ProviderService.objects.bulk_create(
        ProviderService(
            provider=provider,
            upstream_id=str(100 + number),
            name=service.name,
            type=service.type,
            category=service.category.name,
            rate=round(service.rate * rng.randint(*COST_PERCENT) / 100, 4),
            min=service.min,
            max=service.max,
            cancel=service.cancel,
        )
        for number, service in enumerate(services)
    )
    Route.objects.bulk_create(
        Route(service=service, provider_service=offer) for service, offer in zip(services, offers, strict=True)
    )
    return {service.pk: offer for service, offer in zip(services, offers, strict=True)}
