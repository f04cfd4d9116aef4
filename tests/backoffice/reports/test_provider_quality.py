"""Reports on the quality of providers."""

import csv
from collections.abc import Callable
from decimal import Decimal
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import sign_in
from tests.backoffice.reports.test_sales import staff_with
from tests.conftest import Customer
from tests.reports.random_history import sent
from tests.reports.test_rollup import roll_up
from tradepost.engine.statuses import Status
from tradepost.orders.models import Attempt


def test_a_provider_and_its_service_show_how_orders_went(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    sent(alice.id, make_service(), rate=Decimal("0.4"))(status=Status.COMPLETED)
    offer = Attempt.objects.select_related("provider", "provider_service").latest("id")
    roll_up()
    for address, name in (
        (reverse("quality"), str(offer.provider)),
        (reverse("provider_quality", args=[offer.provider_id]), f"{offer.provider_service.upstream_id} · Pixelpond"),
    ):
        [row] = [row for row in staff.get(address).context["rows"] if row["name"].startswith(name)]
        assert row["figures"] == ["1", *["1 sec"] * 4, "100.0%", "0.0%", "0.0%", "0.0%", "0.0%", "0.0%"]


def test_quality_comes_as_a_file(staff: Client, alice: Customer, make_service: Callable[..., int]) -> None:
    sent(alice.id, make_service(), rate=Decimal("0.4"))(status=Status.COMPLETED)
    offer = Attempt.objects.latest("id")
    roll_up()
    for address, id_ in (
        (reverse("quality_file"), offer.provider_id),
        (reverse("provider_quality_file", args=[offer.provider_id]), offer.provider_service_id),
    ):
        response = staff.get(address, {"days": "7"})
        rows = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode())))  # type: ignore[attr-defined]
        [row] = [row for row in rows if row["Id"] == str(id_)]
        assert (row["Sent"], row["Completed"]) == ("1", "1.0000")


@pytest.mark.parametrize("name", ["quality", "quality_file"])
def test_quality_is_for_those_who_may_see_it(name: str, charlie: Client) -> None:
    assert charlie.get(reverse(name)).status_code == 403
    assert sign_in().get(reverse(name)).status_code == 302
    assert staff_with("view_provider_quality").get(reverse(name)).status_code == 200
    assert staff_with("view_sales", "view_profit").get(reverse(name)).status_code == 403


def test_a_provider_that_is_not_there_has_no_page(staff: Client) -> None:
    assert staff.get(reverse("provider_quality", args=[10**9])).status_code == 404
