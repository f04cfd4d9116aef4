"""Providers in the back office: requests to them, pauses, imports; and the routes of services."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from testkit.upstream.panel import KEY, Offer, Panel
from testkit.upstream.server import Reply, Upstream
from tests.backoffice.browsers import sign_in
from tests.backoffice.conftest import Things
from tests.builders import make_offer, make_provider, route

FORM = {
    "name": "Northwind", "url": "https://panel.example/api/v2", "key": KEY, "currency": "eur", "exchange_rate": "1.1",
    "requests_a_second": 10, "parallel_requests": 4, "low_balance": "", "price_rise_percent_max": 20,
}  # fmt: skip
IMPORT = {"action": "import_ticked", "import": "yes", "markup_percent": "50", "rate_decimals": "2", "follows": "rate"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A panel with a balance of 12.50."""
    with Upstream(Panel([Offer(1), Offer(2)], balance=Decimal("12.5"))) as running:
        yield running


def press(client: Client, button: str, provider: int, **fields: Any) -> Any:
    """Press a button on a provider's page, confirm its dialog, and return the page's messages."""
    address = reverse(f"admin:providers_provider_{button}", args=[provider])
    response = client.post(address, {"_form_submitted": "on", **fields})
    if response.status_code != 200:
        return response
    return client.get(response.headers["HX-Redirect"])


def said(response: Any) -> str:
    """Return the messages of a page."""
    return " ".join(str(message) for message in response.context["messages"])


def import_from(client: Client, *offers: Any, **fields: Any) -> Any:
    """Import the ticked rows, and return the messages of the list."""
    ticked = {"_selected_action": [offer.pk for offer in offers]}
    return client.post(
        reverse("admin:providers_providerservice_changelist"), {**IMPORT, **ticked, **fields}, follow=True
    )


def save_route(client: Client, service: int, offer: int, **fields: Any) -> Any:
    """Post a service's page with one new route."""
    from tradepost.catalog.models import Service

    sold = Service.objects.get(pk=service)
    form = {
        "name": sold.name, "category": sold.category_id, "position": 0, "type": sold.type, "rate": sold.rate,
        "min": sold.min, "max": sold.max, "link_kind": sold.link_kind, "is_active": "on",
        "fulfilment": "provider", "on_refusal": "hold", "refill_days": 30, "refill_wait_hours": 0,
        "custom_rates-TOTAL_FORMS": 0, "custom_rates-INITIAL_FORMS": 0,
        "routes-TOTAL_FORMS": 1, "routes-INITIAL_FORMS": 0, "routes-0-provider_service": offer,
        "routes-0-position": 1, "routes-0-is_active": "on", "routes-0-multiplier": "1",
        "routes-0-overflow_percent": 0, "routes-0-markup_percent": "0", "routes-0-rate_decimals": 4,
        "routes-0-follows": ["min", "max"], **fields,
    }  # fmt: skip
    return client.post(reverse("admin:catalog_service_change", args=[service]), form, follow=True)


def test_a_provider_is_added_with_its_key_sealed(staff: Client) -> None:
    from tradepost.providers.models import Provider

    assert staff.post(reverse("admin:providers_provider_add"), {**FORM, "name": "Added"}).status_code == 302
    added = Provider.objects.get(name="Added")
    assert (added.key, added.currency) == (KEY, "EUR")
    page = staff.get(reverse("admin:providers_provider_change", args=[added.pk])).content.decode()
    assert KEY not in page
    history = staff.get(reverse("admin:providers_provider_history", args=[added.pk])).content.decode()
    assert KEY not in history


def test_a_provider_without_a_key_is_not_added(staff: Client) -> None:
    response = staff.post(reverse("admin:providers_provider_add"), {**FORM, "name": "Keyless", "key": ""})
    assert "A provider is asked by a key." in response.content.decode()


def test_a_key_that_is_left_empty_stays(staff: Client) -> None:
    provider = make_provider()
    address = reverse("admin:providers_provider_change", args=[provider.pk])
    assert staff.post(address, {**FORM, "name": "Renamed", "key": ""}).status_code == 302
    provider.refresh_from_db()
    assert (provider.name, provider.key) == ("Renamed", KEY)
    staff.post(address, {**FORM, "name": "Renamed", "key": "another-key"})
    provider.refresh_from_db()
    assert provider.key == "another-key"
    provider.delete()


def test_only_what_was_typed_is_written(staff: Client) -> None:
    """Workers write request counts and errors to the row while the form is open."""
    provider = make_provider()
    address = reverse("admin:providers_provider_change", args=[provider.pk])
    with CaptureQueriesContext(connection) as captured:
        assert staff.post(address, {**FORM, "name": provider.name, "key": ""}).status_code == 302
    [written] = [each["sql"] for each in captured.captured_queries if 'UPDATE "providers_provider"' in each["sql"]]
    assert "url" in written
    assert not any(column in written for column in ('requests"', "failures", "last_error", 'balance"', "encrypted_key"))


def test_another_exchange_rate_holds_at_once(staff: Client, make_service: Callable[..., int]) -> None:
    from tradepost.catalog.models import Service

    provider, follower, fixed = make_provider(), make_service(), make_service()
    route(follower, make_offer(provider), follows=["rate"], markup_percent=20, rate_decimals=2)
    route(fixed, make_offer(provider))
    form = {**FORM, "name": provider.name, "key": "", "exchange_rate": "2"}
    response = staff.post(reverse("admin:providers_provider_change", args=[provider.pk]), form, follow=True)
    assert "1 services changed with the exchange rate, 1 went into quarantine." in said(response)
    assert Service.objects.get(pk=follower).rate == Decimal("1.20")
    assert "below its cost, 1.00" in Service.objects.get(pk=fixed).quarantine


def test_a_connection_is_tested(staff: Client, upstream: Upstream) -> None:
    provider = make_provider(upstream.url, currency="EUR")
    text = said(press(staff, "test_connection", provider.pk))
    assert "It answers: 2 services, balance $12.50." in text
    assert "The provider's balance is in USD, but its currency here is EUR." in text
    provider.refresh_from_db()
    assert provider.balance == Decimal("12.5")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(b'{"error":"Invalid API key"}'), "It refused services: Invalid API key"),
        (Reply(b"<html></html>", 200, "text/html"), "It gave no answer to services that could be read: no JSON"),
        (Reply(b"", 429), "It answered services with too many requests"),
    ],
)
def test_a_connection_that_fails_says_why(staff: Client, upstream: Upstream, reply: Reply, text: str) -> None:
    upstream.canned.append(reply)
    assert text in said(press(staff, "test_connection", make_provider(upstream.url).pk))


def test_a_list_is_read_on_demand(staff: Client) -> None:
    """Until a worker has read it, the page asks again by itself; then it is loaded again and says what was found."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    provider = make_provider()
    button = reverse("admin:providers_provider_sync_now", args=[provider.pk])
    address, again = (staff.post(button, {"_form_submitted": "on"}).headers["HX-Redirect"] for _ in range(2))
    assert address == again
    assert "Syncing…" in staff.get(address).content.decode()
    assert staff.get(address, headers={"HX-Request": "true"}).status_code == 204
    ProcrastinateJob.objects.filter(lock=f"sync {provider.pk}").delete()
    over = staff.get(address, headers={"HX-Request": "true"})
    page = staff.get(over.headers["HX-Redirect"])
    assert "The list is read: 0 services." in said(page)
    assert "Syncing…" not in page.content.decode()


def test_a_provider_is_paused_and_goes_on(staff: Client) -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    provider = make_provider()
    assert press(staff, "resume", provider.pk).status_code == 403
    assert said(press(staff, "pause", provider.pk)) == "Paused."
    provider.refresh_from_db()
    assert provider.is_paused
    assert said(press(staff, "resume", provider.pk)) == "Resumed."
    assert ProcrastinateJob.objects.filter(queueing_lock=f"visit {provider.pk}", status="todo").exists()


def test_only_a_provider_of_which_nothing_is_known_is_deleted(staff: Client) -> None:
    from tradepost.providers.models import Provider

    empty, known = make_provider(), make_offer(make_provider()).provider
    for provider in (empty, known):
        staff.post(reverse("admin:providers_provider_delete", args=[provider.pk]), {"post": "yes"})
    assert not Provider.objects.filter(pk=empty.pk).exists()
    assert Provider.objects.filter(pk=known.pk).exists()


@pytest.mark.parametrize("button", ["test_connection", "sync_now", "pause", "resume", "import_some"])
def test_charlie_presses_no_button(charlie: Client, button: str) -> None:
    assert press(charlie, button, make_provider(is_paused=button == "resume").pk).status_code == 403


def test_who_may_only_look_changes_nothing(upstream: Upstream) -> None:
    from django.contrib.auth.models import Permission

    from tradepost.accounts.models import Account

    looker = sign_in(is_staff=True)
    account = Account.objects.latest("pk")
    account.user_permissions.set(Permission.objects.filter(codename__in=["view_provider", "view_providerservice"]))
    provider = make_provider(upstream.url)
    page = looker.get(reverse("admin:providers_provider_change", args=[provider.pk]))
    assert page.status_code == 200
    assert "Test connection" not in page.content.decode()
    assert press(looker, "test_connection", provider.pk).status_code == 403
    assert import_from(looker, make_offer(provider)).status_code in {200, 403}
    assert not provider.services.filter(routes__isnull=False).exists()
    assert upstream.seen == []


def test_services_are_imported_with_a_route_each(staff: Client) -> None:
    from tradepost.providers.models import Route

    provider = make_provider(currency="EUR", exchange_rate="1.1")
    first = make_offer(provider, category="Of their own", rate=Decimal("0.901"), refill=True, description="Steady")
    second = make_offer(provider, category="Of their own", type="custom comments")
    assert said(import_from(staff, first, second)) == "2 imported."
    leading = Route.objects.get(provider_service=first)
    assert (leading.follows, leading.markup_percent, leading.rate_decimals) == (["rate"], Decimal(50), 2)
    sold = leading.service
    assert (sold.rate, sold.min, sold.max, sold.fulfilment) == (Decimal("1.49"), 10, 10_000, "provider")
    assert (sold.category.name, sold.refill, sold.description) == ("Of their own", True, "Steady")
    assert Route.objects.get(provider_service=second).service.type == "Custom Comments"


def test_what_is_imported_already_is_left(staff: Client) -> None:
    from tradepost.providers.models import Route

    provider = make_provider()
    first, second = make_offer(provider), make_offer(provider)
    import_from(staff, first)
    assert said(import_from(staff, first, second)) == "1 imported; 1 were imported before and are left as they are."
    assert Route.objects.filter(provider_service=first).count() == 1


def test_what_can_not_be_sold_here_is_refused_by_name(staff: Client) -> None:
    from tradepost.providers.models import Route

    provider = make_provider()
    odd, gone, good = (
        make_offer(provider, type="Teleport"),
        make_offer(provider, is_delisted=True),
        make_offer(provider),
    )
    text = said(import_from(staff, odd, gone, good))
    assert "1 imported." in text
    assert f"Not imported: {odd}: orders of the type Teleport are unknown here." in text
    assert f"Not imported: {gone}: its provider does not list it any more." in text
    assert not Route.objects.filter(provider_service__in=[odd, gone]).exists()


def test_services_are_imported_into_one_of_our_categories_or_a_new_one(staff: Client, service: int) -> None:
    from tradepost.catalog.models import Service
    from tradepost.providers.models import Route

    ours = Service.objects.get(pk=service).category
    provider = make_provider()
    first, second, third = make_offer(provider), make_offer(provider), make_offer(provider, category="")
    import_from(staff, first, category=ours.pk)
    import_from(staff, second, new_category="Brand new")
    import_from(staff, third)

    def category(offer: Any) -> str:
        return Route.objects.get(provider_service=offer).service.category.name

    assert [category(offer) for offer in (first, second, third)] == [ours.name, "Brand new", provider.name]


def test_an_import_asks_how_first_and_says_what_is_wrong(staff: Client) -> None:
    offer = make_offer(make_provider())
    list_ = reverse("admin:providers_providerservice_changelist")
    asked = staff.post(list_, {"action": "import_ticked", "_selected_action": [offer.pk]})
    assert "Each of the 1 ticked becomes a service" in asked.content.decode()
    assert "greater than or equal to 0" in import_from(staff, offer, markup_percent="-1").content.decode()
    assert not offer.routes.exists()


def test_offers_are_filtered(staff: Client) -> None:
    provider, other = make_provider(), make_provider()
    first, second = make_offer(provider, category="One"), make_offer(provider, category="Two", is_delisted=True)
    make_offer(other)
    import_from(staff, first)

    def shown(**parameters: Any) -> list[int]:
        wanted = {"provider__id__exact": provider.pk, **parameters}
        response = staff.get(reverse("admin:providers_providerservice_changelist"), wanted)
        return [row.pk for row in response.context["cl"].result_list]

    assert shown() == [first.pk, second.pk]
    assert shown(their_category="Two") == [second.pk]
    assert shown(imported="yes") == [first.pk]
    assert shown(imported="no") == [second.pk]
    assert shown(is_delisted__exact=0) == [first.pk]


def test_a_route_is_added_on_a_services_page(staff: Client, service: int) -> None:
    from tradepost.catalog.models import Service
    from tradepost.providers.models import Route

    offer = make_offer(make_provider())
    assert save_route(staff, service, offer.pk).status_code == 200
    leading = Route.objects.get(service=service)
    assert (leading.provider_service, leading.follows) == (offer, ["min", "max"])
    assert Service.objects.get(pk=service).on_refusal == "hold"
    page = staff.get(reverse("admin:catalog_service_change", args=[service])).content.decode()
    assert "44.4%" in page
    assert str(offer) in page


def test_what_would_be_sold_below_cost_is_off_sale_at_once(staff: Client, service: int) -> None:
    from tradepost.catalog.models import Service

    response = save_route(staff, service, make_offer(make_provider(), rate=Decimal("0.901")).pk)
    assert "is in quarantine, off sale: Its rate, 0.90, is below its cost, 0.901." in said(response)
    sold = Service.objects.get(pk=service)
    assert (sold.is_active, sold.quarantine) == (False, "Its rate, 0.90, is below its cost, 0.901.")


def test_a_rate_below_cost_in_the_list_is_off_sale_at_once(staff: Client, service: int) -> None:
    from tests.backoffice.catalog.test_services import save_in_list
    from tradepost.catalog.models import Service

    route(service, make_offer(make_provider()))
    assert save_in_list(staff, service, rate="0.40").status_code == 302
    assert "below its cost, 0.50" in Service.objects.get(pk=service).quarantine


def test_what_is_in_quarantine_is_not_put_on_sale_past_it(staff: Client, service: int) -> None:
    from tests.backoffice.catalog.test_services import save_in_list
    from tradepost.catalog.models import Service

    Service.objects.filter(pk=service).update(is_active=False, quarantine="Its rate rose.")
    ticked = {"action": "put_on_sale", "_selected_action": [service]}
    response = staff.post(reverse("admin:catalog_service_changelist"), ticked, follow=True)
    assert "1 left off sale: settle their quarantine first." in said(response)
    assert "settle that first." in save_in_list(staff, service).content.decode()
    assert not Service.objects.get(pk=service).is_active


def test_quarantine_is_settled_in_the_list_and_on_the_page(staff: Client, make_service: Callable[..., int]) -> None:
    from tradepost.catalog.models import Service

    fine, dear, single = make_service(), make_service(), make_service()
    provider = make_provider()
    route(fine, make_offer(provider))
    route(single, make_offer(provider))
    route(dear, make_offer(provider, rate=9))
    Service.objects.filter(pk__in=[fine, dear, single]).update(is_active=False, quarantine="Its rate rose.")
    ticked = {"action": "settle_ticked", "_selected_action": [fine, dear]}
    text = said(staff.post(reverse("admin:catalog_service_changelist"), ticked, follow=True))
    assert "1 put back on sale." in text
    assert f"Service {dear} is in quarantine, off sale: Its rate, 0.90, is below its cost, 9.00." in text
    address = reverse("admin:catalog_service_settle_quarantine", args=[single])
    assert staff.post(address, {"_form_submitted": "on"}).status_code == 200
    assert list(Service.objects.filter(pk__in=[fine, dear, single], is_active=True).values_list("pk", flat=True)) == [
        fine,
        single,
    ]


def test_routes_lead_to_what_is_typed_and_still_there(staff: Client) -> None:
    provider = make_provider()
    offer = make_offer(provider, name="Wonderfully rare followers")
    make_offer(provider, name="Wonderfully rare followers", is_delisted=True)
    where = {"app_label": "providers", "model_name": "route", "field_name": "provider_service", "term": "wonderfully"}
    found = staff.get(reverse("admin:autocomplete"), where).json()["results"]
    assert [(row["id"], row["text"]) for row in found] == [(str(offer.pk), str(offer))]


def test_charlie_settles_no_quarantine(charlie: Client, things: Things) -> None:
    address = reverse("admin:catalog_service_settle_quarantine", args=[things.catalog_service])
    assert charlie.post(address, {"_form_submitted": "on"}).status_code == 403
