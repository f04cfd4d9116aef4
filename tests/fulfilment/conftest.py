"""An upstream panel on a real socket, and services whose orders go there."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from typing import Any

import psycopg
import pytest
from django.db import transaction

from testkit.upstream.panel import KEY
from testkit.upstream.server import Upstream
from tests.conftest import Customer
from tradepost.database import engine_connection
from tradepost.engine.placing import Mode, OrderRequest, Placed, place
from tradepost.engine.routing import Fulfilment

_numbers = count(1)

type MakeProvider = Callable[..., int]
type MakeRouted = Callable[..., int]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A panel that sells service 1 at 0.90."""
    with Upstream(delay_seconds=0.01) as running:
        yield running


@pytest.fixture
def make_provider(
    upstream: Upstream, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeProvider]:
    """Make providers at the upstream panel, or at another one.

    Workers on the test database can't visit these providers: only the test does. At the end the providers are paused,
    so that no worker visits them later.
    """
    from tradepost.fulfilment import throttled_client
    from tradepost.fulfilment.tasks import visits
    from tradepost.providers.models import Provider, ProviderService

    made: list[int] = []
    others = visits.LOCKS
    monkeypatch.setattr(visits, "LOCKS", others + 1)

    def make(panel: Upstream | None = None, **fields: Any) -> int:
        provider = Provider(
            name=f"Upstream {next(_numbers)}", url=(panel or upstream).url, requests_a_second=1000, **fields
        )
        provider.key = KEY
        provider.save()
        connection.execute("SELECT pg_advisory_lock(%s, %s)", [others, provider.pk])
        connection.commit()
        ProviderService.objects.create(
            provider=provider, upstream_id="1", name="Followers", type="Default", rate=Decimal("0.5"), max=10**6,
            refill=True, cancel=True,
        )  # fmt: skip
        made.append(provider.pk)
        return provider.pk

    yield make
    throttled_client.close_clients()
    Provider.objects.filter(pk__in=made).update(is_paused=True)


@pytest.fixture
def provider(make_provider: MakeProvider) -> int:
    """A provider at the upstream panel."""
    return make_provider()


@pytest.fixture
def make_routed(make_service: Callable[..., int]) -> MakeRouted:
    """Make a service with a route to one service of each provider, in this order."""
    from tradepost.providers.models import ProviderService, Route

    def make(
        *providers: int, upstream_id: str = "1", multiplier: str = "1", overflow_percent: int = 0, **fields: Any
    ) -> int:
        wanted = {"refill": True, "cancel": True, "dripfeed": True, "refill_days": 0, **fields}
        service = make_service(fulfilment=Fulfilment.PROVIDER.value, **wanted)
        for position, provider in enumerate(providers):
            Route.objects.create(
                service_id=service,
                position=position,
                provider_service=ProviderService.objects.get_or_create(
                    provider_id=provider,
                    upstream_id=upstream_id,
                    defaults={
                        "name": f"Service {upstream_id}",
                        "type": "Default",
                        "rate": Decimal("0.5"),
                        "max": 10**6,
                    },
                )[0],
                multiplier=Decimal(multiplier),
                overflow_percent=overflow_percent,
            )
        return service

    return make


@pytest.fixture
def routed(provider: int, make_routed: MakeRouted) -> int:
    """A service whose orders go to the upstream panel."""
    return make_routed(provider)


def order(customer: Customer, service: int, times: int = 1, **parameters: str) -> list[int]:
    """Place orders of 100, each with a different link."""
    requests = [
        OrderRequest(customer.digest, {"service": str(service), "link": f"https://pixelpond.example/{number}",
                                  "quantity": "100", **parameters})
        for number in range(times)
    ]  # fmt: skip
    with transaction.atomic():
        answers = place(engine_connection(), requests, mode=Mode.API)
    placed = [answer.order for answer in answers if isinstance(answer, Placed)]
    assert len(placed) == times, [str(answer) for answer in answers]
    return placed
