"""Makes orders, providers and routes, and moves orders on."""

from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

from testkit.upstream.panel import KEY

if TYPE_CHECKING:
    from tradepost.providers.models import Provider, ProviderService, Route

_numbers = count(1)


def place(account: int, service: int, times: int = 1, **parameters: str) -> list[int]:
    """Place orders, and return their ids."""
    from django.db import transaction

    from tradepost.database import engine_connection
    from tradepost.engine.placing import Mode, OrderRequest, Placed
    from tradepost.engine.placing import place as place_batch

    request = {"service": str(service), "link": "https://example.com/page", "quantity": "100", **parameters}
    with transaction.atomic():
        answers = place_batch(engine_connection(), [OrderRequest(account, request)] * times, mode=Mode.WEB)
    orders = [answer.order for answer in answers if isinstance(answer, Placed)]
    assert len(orders) == times, answers
    return orders


def settle(order: int, **fields: Any) -> None:
    """Report on an order as an upstream panel does."""
    from django.db import transaction

    from tradepost.database import engine_connection
    from tradepost.engine import settling

    with transaction.atomic():
        settling.settle(engine_connection(), [settling.Report(order, **fields)], actor="test")


def make_provider(url: str = "http://127.0.0.1:9/api/v2", *, key: str = KEY, **fields: Any) -> "Provider":
    """Make a provider with this URL. By default nothing listens there."""
    from tradepost.providers.models import Provider

    provider = Provider(name=f"Provider {next(_numbers)}", url=url, **fields)
    provider.key = key
    provider.save()
    return provider


def make_offer(provider: "Provider", **fields: Any) -> "ProviderService":
    """Make a service of a provider's list: 0.50 for 1,000, from 10 to 10,000."""
    from tradepost.providers.models import ProviderService

    defaults = {
        "upstream_id": str(next(_numbers)), "name": "Pixelpond Followers", "type": "Default", "category": "Pixelpond",
        "rate": Decimal("0.50"), "min": 10, "max": 10_000,
    }  # fmt: skip
    return ProviderService.objects.create(provider=provider, **{**defaults, **fields})


def route(service: int, offer: "ProviderService", **fields: Any) -> "Route":
    """Route a service to a service of a provider."""
    from tradepost.catalog.models import Service
    from tradepost.providers.models import Route

    Service.objects.filter(pk=service).update(fulfilment="provider")
    return Route.objects.create(service_id=service, provider_service=offer, **fields)


def attempt(provider: int, order: int, result: str, **fields: Any) -> None:
    """Send a queued order to a provider as a worker does, with this result."""
    from django.db import transaction

    from tradepost.database import engine_connection
    from tradepost.engine import attempts, dispatching

    with transaction.atomic():
        outgoing_orders = dispatching.claim(engine_connection(), provider, limit=100)
        [outgoing] = [candidate for candidate in outgoing_orders if candidate.order == order]
        outcome = attempts.AttemptResult(order, outgoing.attempt, attempts.AttemptOutcome(result), **fields)
        attempts.record(engine_connection(), [outcome])
