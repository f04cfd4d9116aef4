"""A provider sells markup: its list is fetched, imported and sold by a desk, and stays text on every page."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count

from playwright.sync_api import Page, expect

from testkit.upstream.panel import Offer, Panel
from testkit.upstream.server import Upstream
from tests.builders import make_provider, place
from tests.conftest import Desk
from tests.e2e.chromium import DESK
from tests.e2e.conftest import PASSWORD, Person, enter
from tradepost.accounts.creation import create
from tradepost.accounts.role_names import RoleName
from tradepost.fulfilment.tasks.provider_sync import sync_provider
from tradepost.ledger import operations
from tradepost.providers.models import Provider, ProviderService
from tradepost.providers.service_import import ImportOptions, import_services

MARKUP = (
    "<img class=hostile src=/static/x onerror=window.ran=1>",
    "<script class=hostile>window.ran=1</script>",
    "\"><b class=hostile onmouseover='window.ran=1'>",
    "{{ 7|add:7 }}{% debug %}<i class=hostile>",
)
_numbers = count(1)


def test_markup_in_a_providers_list_is_text_on_every_page(open_window: Callable[..., Page], desk: Desk) -> None:
    offers = [Offer(number, name=text, category=f"{text} shop") for number, text in enumerate(MARKUP, 1)]
    with Upstream(Panel(offers)) as upstream:
        provider = make_provider(upstream.url)
        sync_provider(provider.pk)
    Provider.objects.filter(pk=provider.pk).update(name=f"{MARKUP[0]} {next(_numbers)}", is_paused=True)
    found = ProviderService.objects.filter(provider=provider)
    assert set(found.values_list("name", flat=True)) == set(MARKUP)
    services = import_services(list(found.values_list("pk", flat=True)), ImportOptions()).services
    assert len(services) == len(MARKUP)
    number = next(_numbers)
    customer = create(f"hostile{number}@e2e.example", PASSWORD)
    operations.top_up(customer.pk, Decimal(100), actor="test")
    orders = [order for service in services for order in place(customer.pk, service)]
    owner = create(f"hostile-owner{number}@e2e.example", PASSWORD, role=RoleName.OWNER.value)
    seen = {
        customer: [
            "/services/", "/services/changes/", f"/orders/new/?service={services[0]}", "/orders/", "/dashboard/",
            "/orders/new/services/?q=img", *(f"/orders/{order}/" for order in orders), "/api/console/",
        ],
        owner: [
            "/admin/catalog/service/?o=-1", "/admin/catalog/category/", "/admin/providers/providerservice/",
            "/admin/providers/provider/", f"/admin/providers/provider/{provider.pk}/change/", "/admin/orders/order/",
            "/admin/reports/service/?preset=today", "/admin/catalog/category/arrange/", "/admin/search/?s=img",
            *(f"/admin/catalog/service/{service}/change/" for service in services),
            *(f"/admin/orders/order/{order}/change/" for order in orders),
        ],
    }  # fmt: skip
    for account, paths in seen.items():
        page = open_window(DESK)
        enter(page, desk, Person(account.pk, account.email))
        shown = 0
        for path in paths:
            page.goto(f"{desk.url}{path}")
            expect(page.locator(".hostile")).to_have_count(0)
            assert page.evaluate("window.ran") is None, path
            shown += any(text in page.content().replace("&lt;", "<").replace("&gt;", ">") for text in MARKUP)
        assert shown >= len(paths) // 2
