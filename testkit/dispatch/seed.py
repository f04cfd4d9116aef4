"""Seeds the database of a `DispatchDesk`: `python -m testkit.dispatch.seed KEY SERVICES URL …`.

The command prints the id of the account, then for each URL and each of its services the ids of the service and of the
provider.
"""

import sys
from decimal import Decimal

import django

SEEDED_RATE = Decimal("0.50")  # of the provider's services


def seed(key: str, services: int, *urls: str) -> list[int]:
    """Make an account with money, and for each URL a provider there, to which so many services are routed."""
    django.setup()
    from tradepost.accounts.models import Account  # noqa: PLC0415
    from tradepost.catalog.models import Category, Service  # noqa: PLC0415
    from tradepost.engine.routing import Fulfilment  # noqa: PLC0415
    from tradepost.ledger import operations  # noqa: PLC0415
    from tradepost.providers.models import Provider, ProviderService, Route  # noqa: PLC0415

    account = Account.objects.create_user("customer@bench.example")
    operations.top_up(account.pk, Decimal(1_000_000), actor="bench")
    category = Category.objects.create(name="Pixelpond")
    ids = [account.pk]
    for number, url in enumerate(urls, 1):
        provider = Provider(name=f"Upstream {number}", url=url, requests_a_second=1000, parallel_requests=8)
        provider.key = key
        provider.save()
        for upstream_id in range(1, services + 1):
            service = Service.objects.create(
                category=category, name="Pixelpond Followers", rate=Decimal("0.90"), min=10, max=10_000,
                fulfilment=Fulfilment.PROVIDER.value,
            )  # fmt: skip
            offer = ProviderService.objects.create(
                provider=provider, upstream_id=str(upstream_id), name="Followers", type="Default", rate=SEEDED_RATE
            )
            Route.objects.create(service=service, provider_service=offer)
            ids += [service.pk, provider.pk]
    return ids


if __name__ == "__main__":
    sys.stdout.write(" ".join(map(str, seed(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))))
