"""Providers of the tests: rows of the database that lead to a fake upstream panel."""

from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.fakes.panel import KEY

if TYPE_CHECKING:
    from tradepost.providers.models import Provider, ProviderService, Route

_numbers = count(1)


def make_provider(url: str = "http://127.0.0.1:9/api/v2", *, key: str = KEY, **fields: Any) -> "Provider":
    """Make a provider at an address, by default one where nothing listens."""
    from tradepost.providers.models import Provider

    provider = Provider(name=f"Provider {next(_numbers)}", url=url, **fields)
    provider.key = key
    provider.save()
    return provider


def make_offer(provider: "Provider", **fields: Any) -> "ProviderService":
    """Make something that a provider sells: 0.50 for 1,000, from 10 to 10,000."""
    from tradepost.providers.models import ProviderService

    defaults = {
        "upstream_id": str(next(_numbers)), "name": "Pixelpond Followers", "type": "Default", "category": "Pixelpond",
        "rate": Decimal("0.50"), "min": 10, "max": 10_000,
    }  # fmt: skip
    return ProviderService.objects.create(provider=provider, **{**defaults, **fields})


def route(service: int, offer: "ProviderService", **fields: Any) -> "Route":
    """Lead a service to what a provider sells."""
    from tradepost.catalog.models import Service
    from tradepost.providers.models import Route

    Service.objects.filter(pk=service).update(fulfilment="provider")
    return Route.objects.create(service_id=service, provider_service=offer, **fields)


def attempt(provider: int, order: int, result: str, **told: Any) -> None:
    """Try to place a queued order with a provider as its worker does, with this result."""
    from django.db import transaction

    from tradepost.database import engine_connection
    from tradepost.engine import attempts, dispatching

    with transaction.atomic():
        outgoing_orders = dispatching.claim(engine_connection(), provider, limit=100)
        [outgoing] = [each for each in outgoing_orders if each.order == order]
        outcome = attempts.AttemptResult(order, outgoing.attempt, attempts.AttemptOutcome(result), **told)
        attempts.record(engine_connection(), [outcome])
