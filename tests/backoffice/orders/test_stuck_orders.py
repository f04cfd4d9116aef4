"""Orders that take longer than usual, on the overview and in their list."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import member
from tests.backoffice.test_lists import shown
from tests.builders import make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tests.orders.test_stuck_orders import HOUR, age, find
from tradepost.engine.statuses import Status
from tradepost.orders.models import BulkAction, StuckOrder

pytestmark = pytest.mark.usefixtures("workers_at_rest")


def test_the_overview_leads_to_the_list_and_that_to_what_is_done_about_it(
    staff: Client, alice: Customer, service: int
) -> None:
    [order] = place(alice.id, service)
    age(order, 50 * HOUR)
    find()
    address = reverse("admin:orders_stuckorder_changelist")
    assert address in staff.get(reverse("admin:index")).content.decode()
    asked = {"order__service__id__exact": service}
    assert shown(staff, "orders_stuckorder", **asked, why="not started") == [order]
    assert shown(staff, "orders_stuckorder", **asked, where="hand") == [order]
    assert shown(staff, "orders_stuckorder", **asked, why="slow") == []
    staff.post(address, {"action": "cancel", "_selected_action": [str(order)]})
    assert list(BulkAction.objects.latest("id").orders.values_list("order_id", flat=True)) == [order]
    settle(order, status=Status.COMPLETED)
    assert shown(staff, "orders_stuckorder", **asked) == []


def test_who_sees_no_providers_does_not_filter_by_them(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    service, offer = make_service(), make_offer(make_provider())
    route(service, offer)
    [order] = place(alice.id, service)
    StuckOrder.objects.create(order_id=order, reason="slow", expected_within=HOUR)
    asked = {"order__service__id__exact": service}
    for where, found in ((offer.provider_id, [order]), (offer.provider_id + 1, [])):
        assert shown(staff, "orders_stuckorder", **asked, where=where) == found
        assert shown(member("support"), "orders_stuckorder", **asked, where=where) == [order]
