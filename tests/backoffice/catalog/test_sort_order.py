"""Sorting categories and services: one page at a time, by typed places, and between categories."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.builders import make_offer, make_provider, route

_numbers = count(1)


@pytest.fixture
def category() -> Any:
    """A category with five services."""
    from tradepost.catalog.models import Category, Service

    made = Category.objects.create(name=f"Arranged {next(_numbers)}")
    Service.objects.bulk_create(Service(category=made, name=f"Row {number}", rate=1, max=10) for number in range(5))
    return made


def in_order(category: Any) -> list[int]:
    return list(category.services.order_by("position", "pk").values_list("pk", flat=True))


def save(
    client: Client, category: Any, page: Sequence[int], order: Sequence[int] = (), fields: dict[str, Any] | None = None
) -> str:
    address = reverse("admin:catalog_category_arrange_services", args=[category.pk])
    told = {"page": ",".join(map(str, page)), "order": ",".join(map(str, order or page)), **(fields or {})}
    response = client.post(address, told, follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def test_services_are_dragged_into_order(staff: Client, category: Any) -> None:
    rows = in_order(category)
    wanted = [rows[4], *rows[:4]]
    assert "The order is saved." in save(staff, category, rows, wanted)
    assert in_order(category) == wanted
    assert "Nothing was saved" in save(staff, category, rows, wanted)


def test_a_typed_place_leads_beyond_the_page(staff: Client, category: Any) -> None:
    rows = in_order(category)
    save(staff, category, rows[:2], fields={f"place-{rows[0]}": "4"})
    assert in_order(category) == [rows[1], rows[2], rows[3], rows[0], rows[4]]
    save(staff, category, in_order(category), fields={f"place-{rows[0]}": "99"})
    assert in_order(category)[-1] == rows[0]


def test_ticked_services_move_to_another_category(staff: Client, category: Any) -> None:
    from tradepost.catalog.models import Category, Service

    other = Category.objects.create(name=f"Target {next(_numbers)}")
    there = Service.objects.create(category=other, name="There", rate=1, max=10, position=7)
    rows = in_order(category)
    told = save(staff, category, rows, fields={"target": other.pk, f"tick-{rows[1]}": "1", f"tick-{rows[3]}": "1"})
    assert f"2 moved to {other}." in told
    assert in_order(other) == [there.pk, rows[1], rows[3]]
    assert in_order(category) == [rows[0], rows[2], rows[4]]


def test_categories_are_arranged(staff: Client, category: Any) -> None:
    from tradepost.catalog.models import Category

    rows = list(Category.objects.values_list("pk", flat=True))
    address = reverse("admin:catalog_category_arrange")
    told = {
        "page": ",".join(map(str, rows)),
        "order": ",".join(map(str, [category.pk, *[r for r in rows if r != category.pk]])),
    }
    staff.post(address, told)
    assert Category.objects.values_list("pk", flat=True)[0] == category.pk
    assert f"{category}" in staff.get(address).content.decode()


def test_five_hundred_services_are_paged_and_take_as_few_statements_as_five(staff: Client) -> None:
    from tradepost.catalog.models import Category, Service

    big = Category.objects.create(name=f"Big {next(_numbers)}")
    Service.objects.bulk_create(
        Service(category=big, name="Row", rate=1, max=10, position=number) for number in range(500)
    )
    address = reverse("admin:catalog_category_arrange_services", args=[big.pk])
    assert len(staff.get(address, {"page": 2}).context["rows"]) == 200
    rows = in_order(big)
    page = rows[200:400]
    with CaptureQueriesContext(connection) as captured:
        save(staff, big, page, page[::-1])
    assert len(captured.captured_queries) < 30
    assert in_order(big) == [*rows[:200], *page[::-1], *rows[400:]]


def test_charlie_arranges_nothing(charlie: Client, category: Any) -> None:
    rows = in_order(category)
    address = reverse("admin:catalog_category_arrange_services", args=[category.pk])
    assert charlie.get(address).status_code == 403
    assert charlie.post(address, {"page": rows, "order": rows[::-1]}).status_code == 403


def press(client: Client, name: str, row: int) -> Any:
    """Press a button on a row's page and confirm its dialog."""
    return client.post(reverse(f"admin:catalog_{name}", args=[row]), {"_form_submitted": "on"})


def test_a_service_is_duplicated_with_its_routes(staff: Client, category: Any) -> None:
    from tradepost.catalog.models import CustomRate, Service

    rows = in_order(category)
    save(staff, category, rows)  # at places 1 to 5
    offer = make_offer(make_provider())
    route(rows[1], offer, multiplier=2)
    assert press(staff, "service_duplicate", rows[1]).headers["HX-Redirect"]
    copy = Service.objects.latest("id")
    assert (copy.name, copy.is_active, copy.fulfilment) == ("Row 1 (copy)", False, "provider")
    assert list(copy.routes.values_list("provider_service", "multiplier")) == [(offer.pk, Decimal(2))]
    assert in_order(category) == [*rows[:2], copy.pk, *rows[2:]]
    assert Service.objects.get(pk=rows[1]).routes.count() == 1
    assert not CustomRate.objects.filter(service=copy).exists()


def test_a_category_is_duplicated_with_its_services(staff: Client, category: Any) -> None:
    from tradepost.catalog.models import Category

    route(in_order(category)[0], make_offer(make_provider()))
    for suffix in (" (copy)", " (copy 2)"):
        assert press(staff, "category_duplicate", category.pk).headers["HX-Redirect"]
        copy = Category.objects.get(name=category.name + suffix)
        assert [each.name for each in copy.services.all()] == [each.name for each in category.services.all()]
        assert not copy.services.filter(is_active=True).exists()
        assert sum(each.routes.count() for each in copy.services.all()) == 1
