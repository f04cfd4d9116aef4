"""Bulk edits of services: previewed, confirmed, and applied all at once."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from tests.backoffice.browsers import sign_in
from tests.builders import make_offer, make_provider, route

type Make = Callable[..., int]
LIST = reverse("admin:catalog_service_changelist")


def edit(client: Client, services: list[int], step: str = "look", address: str = LIST, **fields: Any) -> Any:
    """Post the page as a browser does in which these services are ticked."""
    return client.post(address, {"action": "bulk_edit", "_selected_action": services, "step": step, **fields})


def agree(client: Client, services: list[int], address: str = LIST, **fields: Any) -> Any:
    """Preview an edit, then confirm it."""
    seen = edit(client, services, address=address, **fields).context["proposal"].fingerprint
    return edit(client, services, "apply", address=address, seen=seen, **fields)


def said(client: Client) -> str:
    """Return the messages that the next page shows."""
    return " ".join(str(message) for message in client.get(LIST).context["messages"])


def rates(services: list[int]) -> list[Decimal]:
    from tradepost.catalog.models import Service

    return list(Service.objects.filter(pk__in=services).order_by("pk").values_list("rate", flat=True))


def test_the_form_comes_first_and_nothing_is_done(staff: Client, service: int) -> None:
    response = staff.post(LIST, {"action": "bulk_edit", "_selected_action": [service]})
    assert "1 services are edited" in response.content.decode()
    assert response.context["proposal"] is None


def test_what_would_be_done_is_shown_and_then_done(staff: Client, make_service: Make) -> None:
    from tradepost.audit.models import Entry

    services = [make_service(), make_service(rate=Decimal(2))]
    asked = {"rate_by": "percent", "figure": "10", "decimals": "2"}
    text = edit(staff, services, **asked).content.decode()
    assert "$0.90 → $0.99" in strip_tags(text)
    assert "$2.00 → $2.20" in strip_tags(text)
    assert rates(services) == [Decimal("0.9"), Decimal(2)]
    assert agree(staff, services, **asked).status_code == 302
    assert rates(services) == [Decimal("0.99"), Decimal("2.2")]
    assert "2 services changed." in said(staff)
    entry = Entry.objects.filter(model="catalog.service", object_id=str(services[1])).latest("id")
    assert (entry.before, entry.after) == ({"rate": Decimal(2)}, {"rate": Decimal("2.2")})


def test_what_was_typed_wrongly_is_still_there(staff: Client, service: int) -> None:
    text = edit(staff, [service], rate_by="percent", min="77").content.decode()
    assert "How much?" in text
    assert 'value="77"' in text
    assert "Say what is to change." in edit(staff, [service]).content.decode()


def test_what_has_changed_since_it_was_shown_is_shown_again(staff: Client, service: int) -> None:
    from tradepost.catalog.models import Service

    asked = {"rate_by": "percent", "figure": "10"}
    seen = edit(staff, [service], **asked).context["proposal"].fingerprint
    Service.objects.filter(pk=service).update(rate=5)
    response = edit(staff, [service], "apply", seen=seen, **asked)
    assert "Nothing has been done yet" in response.content.decode()
    assert rates([service]) == [Decimal(5)]


def test_a_whole_filter_is_edited_beyond_its_first_page(staff: Client, make_service: Make) -> None:
    from tradepost.catalog.models import Category, Service

    category = Category.objects.create(name="Filtered")
    Service.objects.bulk_create(Service(category=category, name="Filtered", rate=1, max=10) for _ in range(120))
    address = f"{LIST}?category__id__exact={category.pk}"
    ticked = list(category.services.values_list("pk", flat=True)[:3])
    assert agree(staff, ticked, address, select_across="1", refill="yes", max="500").status_code == 302
    assert category.services.filter(refill=True, max=500).count() == 120
    assert agree(staff, [make_service()], rate_by="set", figure="3").status_code == 302
    assert not category.services.filter(rate=3).exists()


def test_what_can_not_be_is_left_and_the_rest_is_done(staff: Client, make_service: Make) -> None:
    wide, narrow = make_service(min=1), make_service(min=500)
    response = edit(staff, [wide, narrow], max="100")
    assert response.context["proposal"].count == 1
    assert "Its min, 500, would be above its max, 100" in response.content.decode()
    assert agree(staff, [wide, narrow], max="100").status_code == 302
    from tradepost.catalog.models import Service

    assert [Service.objects.get(pk=each).max for each in (wide, narrow)] == [100, 10_000]


def test_what_is_sold_below_cost_by_it_goes_into_quarantine(staff: Client, service: int) -> None:
    from tradepost.catalog.models import Service

    route(service, make_offer(make_provider(), rate=Decimal("0.5")))
    asked = {"rate_by": "set", "figure": "0.4"}
    assert "Below its cost, $0.50" in edit(staff, [service], **asked).content.decode()
    agree(staff, [service], **asked)
    changed = Service.objects.get(pk=service)
    assert (changed.rate, changed.is_active) == (Decimal("0.4"), False)
    assert "below its cost" in changed.quarantine
    assert "1 of them are in quarantine now" in said(staff)


def test_a_thousand_services_take_as_few_statements_as_ten(staff: Client) -> None:
    from tradepost.catalog.models import Category, Service

    category = Category.objects.create(name="Thousand")
    Service.objects.bulk_create(Service(category=category, name="Thousand", rate=1, max=10) for _ in range(1000))
    ids = list(category.services.values_list("pk", flat=True))

    def statements(services: list[int], figure: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert agree(staff, services, rate_by="set", figure=figure).status_code == 302
        return len(captured.captured_queries)

    address = f"{LIST}?category__id__exact={category.pk}"
    few = statements(ids[:10], "2")
    with CaptureQueriesContext(connection) as captured:
        assert agree(staff, ids[:1], address, select_across="1", rate_by="set", figure="3").status_code == 302
    assert len(captured.captured_queries) <= few + 4
    assert category.services.filter(rate=3).count() == 1000


def test_who_may_only_look_is_offered_no_edit(make_service: Make) -> None:
    from django.contrib.auth.models import Permission

    from tradepost.accounts.models import Account

    service = make_service()
    client = sign_in(is_staff=True)
    viewer = Account.objects.latest("id")
    viewer.user_permissions.add(Permission.objects.get(codename="view_service"))
    assert "bulk_edit" not in client.get(LIST).content.decode()
    edit(client, [service], "apply", rate_by="set", figure="9")
    assert rates([service]) == [Decimal("0.9")]


@pytest.mark.parametrize("may_see", [True, False])
def test_costs_and_margins_are_in_the_list_for_those_who_may_see_routes(make_service: Make, may_see: bool) -> None:
    from django.contrib.auth.models import Permission

    from tradepost.accounts.models import Account

    service = make_service(rate=Decimal(1))
    provider = make_provider()
    route(service, make_offer(provider, rate=Decimal("0.75")))
    route(service, make_offer(provider, rate=Decimal("0.60")), position=2)
    client = sign_in(is_staff=True)
    codenames = ["view_service", *(["view_route"] if may_see else [])]
    Account.objects.latest("id").user_permissions.set(Permission.objects.filter(codename__in=codenames))
    text = strip_tags(client.get(LIST, {"q": service}).content.decode())
    for part in ("25.0%", "$0.75", "from $0.60", "to 40.0%"):
        assert (part in text) is may_see


def test_services_are_sorted_by_cost_and_margin_and_those_without_come_last(staff: Client, make_service: Make) -> None:
    by_hand = make_service(name="Sorted by hand", rate=Decimal(5))
    thin, wide = (make_service(name=f"Sorted {rate}", rate=Decimal(rate), fulfilment="provider") for rate in ("1", "9"))
    route(thin, make_offer(make_provider(), rate=Decimal("0.9")))
    route(wide, make_offer(make_provider(), rate=Decimal(3)))
    address = reverse("admin:catalog_service_changelist")
    columns = list(staff.get(address).context["cl"].list_display)
    for column, expected in (("cost", [thin, wide]), ("margin", [thin, wide])):
        for sign, order in (("", expected), ("-", expected[::-1])):
            found = staff.get(address, {"q": "Sorted", "o": f"{sign}{columns.index(column)}"}).context["cl"].result_list
            assert [service.pk for service in found] == [*order, by_hand]
