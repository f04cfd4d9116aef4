"""Services: edited in the list and in forms, but never into something that the engine can't sell."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.conftest import Things
from tests.conftest import Customer


def save_in_list(client: Client, service: int, **fields: Any) -> Any:
    """Post the list of services with one edited row."""
    row = {"rate": "0.90", "min": "10", "max": "10000", "is_active": "on", **fields}
    forms = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": service, "_save": "Save"}
    address = f"{reverse('admin:catalog_service_changelist')}?q={service}"
    return client.post(address, {**forms, **{f"form-0-{name}": value for name, value in row.items()}})


def test_rates_and_limits_are_changed_in_the_list(staff: Client, service: int) -> None:
    from tradepost.catalog.models import CatalogVersion, Service

    version = CatalogVersion.objects.get().version
    assert save_in_list(staff, service, rate="1.25", min="20", max="500").status_code == 302
    changed = Service.objects.get(pk=service)
    assert (changed.rate, changed.min, changed.max) == (Decimal("1.25"), 20, 500)
    assert CatalogVersion.objects.get().version > version


def test_a_rate_is_written_as_the_api_writes_it(staff: Client, service: int) -> None:
    page = staff.get(reverse("admin:catalog_service_changelist"), {"q": service}).content.decode()
    assert 'value="0.90"' in page


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"min": "100", "max": "10"}, "At least the minimum, 100."),
        ({"min": "0"}, "At least 1."),
        ({"rate": "-1"}, "greater than or equal to 0"),
        ({"rate": "0.00000001"}, "no more than 7 decimal places"),
    ],
)
def test_what_could_not_be_sold_is_refused_in_the_list(
    staff: Client, service: int, fields: dict[str, str], error: str
) -> None:
    response = save_in_list(staff, service, **fields)
    assert response.status_code == 200
    assert error in response.content.decode()


def test_a_link_pattern_that_is_no_regular_expression_is_refused(staff: Client, things: Things) -> None:
    from tradepost.catalog.models import Service

    service = Service.objects.get(pk=things.catalog_service)
    form = {
        "name": service.name, "category": service.category_id, "position": 0, "type": service.type, "rate": "1",
        "min": 1, "max": 5, "fulfilment": "manual", "link_pattern": "https://(", "link_kind": "any",
        "custom_rates-TOTAL_FORMS": 0, "custom_rates-INITIAL_FORMS": 0,
        "on_refusal": "cancel", "routes-TOTAL_FORMS": 0, "routes-INITIAL_FORMS": 0,
        "refill_days": 30, "refill_wait_hours": 0,
    }  # fmt: skip
    address = reverse("admin:catalog_service_change", args=[service.pk])
    assert "This is no regular expression" in staff.post(address, form).content.decode()
    assert staff.post(address, {**form, "link_pattern": "https://.+"}).status_code == 302
    service.refresh_from_db()
    assert service.link_pattern == "https://.+"
    assert "invalid escape sequence" in staff.post(address, {**form, "link_pattern": r"(a)\1"}).content.decode()
    tried = {**form, "link_pattern": r"https://\w+", "try_link": "https://good one"}
    assert "The service would not take this link." in staff.post(address, tried).content.decode()
    assert staff.post(address, {**tried, "try_link": "https://good"}).status_code == 302


def test_services_are_taken_off_sale_and_put_back(
    staff: Client, service: int, make_service: Callable[..., int]
) -> None:
    from tradepost.catalog.models import Service

    other = make_service()
    address = reverse("admin:catalog_service_changelist")
    staff.post(address, {"action": "take_off_sale", "_selected_action": [service]})
    assert not Service.objects.get(pk=service).is_active
    assert Service.objects.get(pk=other).is_active
    staff.post(address, {"action": "put_on_sale", "_selected_action": [service]})
    assert Service.objects.get(pk=service).is_active


def test_a_rate_is_agreed_with_an_account(staff: Client, alice: Customer, service: int) -> None:
    from tradepost.catalog.models import CustomRate

    form = {"account": alice.id, "service": service, "rate": "0.45"}
    assert staff.post(reverse("admin:catalog_customrate_add"), form).status_code == 302
    assert CustomRate.objects.get(account=alice.id, service=service).rate == Decimal("0.45")
    again = staff.post(reverse("admin:catalog_customrate_add"), form)
    assert "already exists" in again.content.decode()


def test_accounts_and_services_are_completed_as_they_are_typed(staff: Client, alice: Customer, service: int) -> None:
    def found(field: str, term: object) -> list[str]:
        where = {"app_label": "catalog", "model_name": "customrate", "field_name": field, "term": str(term)}
        return [row["id"] for row in staff.get(reverse("admin:autocomplete"), where).json()["results"]]

    assert found("account", alice.email) == [str(alice.id)]
    assert str(service) in found("service", service)


def test_only_an_empty_category_is_deleted(staff: Client, things: Things) -> None:
    from tradepost.catalog.models import Category

    empty = Category.objects.create(name="Empty")
    staff.post(reverse("admin:catalog_category_delete", args=[empty.pk]), {"post": "yes"})
    assert not Category.objects.filter(pk=empty.pk).exists()
    full = reverse("admin:catalog_category_delete", args=[things.catalog_category])
    assert staff.post(full, {"post": "yes"}).status_code == 403
    ticked = {"action": "delete_selected", "_selected_action": [things.catalog_category], "post": "yes"}
    staff.post(reverse("admin:catalog_category_changelist"), ticked)
    assert Category.objects.filter(pk=things.catalog_category).exists()
