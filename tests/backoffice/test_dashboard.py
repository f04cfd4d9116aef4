"""The overview: today compared with yesterday and the last days, figures by permission, and alerts."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.backoffice.browsers import sign_in
from tests.backoffice.reports.test_sales import staff_with
from tests.backoffice.test_lists import queries
from tests.builders import attempt, make_offer, make_provider, place, route
from tests.conftest import Customer
from tests.reports.random_history import sent
from tests.reports.test_rollup import roll_up
from tradepost.accounts.models import Account
from tradepost.backoffice.alerts import LINK_PATTERN_BAD
from tradepost.backoffice.reports.changes import relative_change
from tradepost.catalog.models import Service


def context_of(client: Client) -> Any:
    caches["process"].clear()
    response = client.get(reverse("admin:index"))
    assert response.status_code == 200
    return response.context


def titles(client: Client) -> list[str]:
    return [figure["title"] for figure in context_of(client)["figures"]]


SALES = ["Orders today", "Revenue today", "Refunded today"]


@pytest.mark.parametrize(
    ("permissions", "seen"),
    [
        ([], []),
        (["view_order"], ["Orders today"]),
        (["view_sales"], SALES),
        (["view_sales", "view_profit"], [*SALES, "Cost today", "Profit today"]),
        (["view_account"], ["New customers today"]),
    ],
)
def test_each_figure_is_for_those_who_may_see_it(permissions: list[str], seen: list[str]) -> None:
    assert titles(staff_with(*permissions)) == seen


def test_who_may_not_see_profit_finds_none_in_the_charts() -> None:
    assert [chart["title"] for chart in context_of(staff_with("view_sales"))["charts"]] == ["Revenue, USD", "Orders"]
    for chart in context_of(staff_with("view_sales"))["charts"]:
        assert "Profit" not in chart["data"]
    assert "Profit" in context_of(staff_with("view_sales", "view_profit"))["charts"][0]["data"]


def test_tops_are_of_what_one_may_see(alice: Customer, make_service: Callable[..., int]) -> None:
    service = make_service(name="On top", rate=Decimal(900), max=10**6)
    place(alice.id, service)
    [top] = context_of(staff_with("view_sales", "view_service"))["tops"]
    assert top["title"] == "Top services"
    assert f"{service} · On top" in [row["name"] for row in top["rows"]]


def test_a_test_order_is_shown_with_the_account_it_belongs_to(staff: Client, alice: Customer, service: int) -> None:
    from tradepost.accounts import keys

    keys.create(Account.objects.get(pk=alice.id), test=True)
    account = Account.objects.get(test_of=alice.id)
    place(account.pk, service)
    page = staff.get(reverse("admin:index")).content.decode()
    assert f"{account.test_of} (test)" in page
    assert ">None<" not in page


@pytest.mark.usefixtures("one_day")
def test_a_new_customer_is_counted_and_staff_is_not(staff: Client) -> None:
    def joined() -> int:
        figures = context_of(staff)["figures"]
        [value] = [figure["value"] for figure in figures if figure["title"] == "New customers today"]
        return int(value.replace(",", ""))

    before = joined()
    Account.objects.create_user("joined@dashboard.example")
    sign_in(is_staff=True)
    assert joined() == before + 1


def test_services_whose_link_pattern_can_not_be_read_raise_an_alert_that_leads_to_them(
    make_service: Callable[..., int],
) -> None:
    client = staff_with("view_service")
    closed = {make_service(link_pattern=r"(?=a).*"), make_service(link_pattern=r"(a)\1")}
    others = {make_service(link_pattern=r"https://.*"), make_service(link_pattern="(?!b)", is_active=False)}
    listed = closed_services(client)
    assert closed <= listed
    assert not others & listed
    Service.objects.filter(pk__in=closed).update(link_pattern="")
    assert not closed & closed_services(client)


def closed_services(client: Client) -> set[int]:
    """Return the services to which the alert about link patterns links."""
    links = [each.link for each in context_of(client)["alerts"] if LINK_PATTERN_BAD in each.text]
    return {service.pk for link in links for service in client.get(link).context["cl"].result_list}


def test_a_provider_that_refuses_most_orders_raises_an_alert(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    provider, service = make_provider(), make_service(on_refusal="hold")
    route(service, make_offer(provider))
    for _ in range(10):
        [order] = place(alice.id, service)
        attempt(provider.pk, order, "declined")
    roll_up()
    found = [alert for alert in context_of(staff)["alerts"] if alert.text.startswith(f"{provider}:")]
    assert [alert.text for alert in found] == [f"{provider}: of 10 attempts in the last hour 10 failed."]
    assert staff.get(found[0].link).status_code == 200


def test_a_provider_that_takes_orders_raises_none(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    sent(alice.id, make_service(), rate=Decimal("0.1"))
    roll_up()
    assert not [alert for alert in context_of(staff)["alerts"] if "attempts in the last hour 1 failed" in alert.text]


def test_amounts_are_to_the_cent_and_told_exactly_beside(alice: Customer, make_service: Callable[..., int]) -> None:
    place(alice.id, make_service(rate=Decimal("0.05")))
    figures = {figure["title"]: figure for figure in context_of(staff_with("view_sales"))["figures"]}
    revenue = figures["Revenue today"]["value"]
    [exact] = re.findall(r'value="([^"]*)"', revenue)
    assert Decimal(strip_tags(revenue).replace(",", "").removeprefix("$")) == Decimal(exact).quantize(
        Decimal("0.01"), ROUND_HALF_UP
    )
    assert "<" not in figures["Orders today"]["value"]


def test_a_change_is_good_or_bad_news_by_what_it_is_of() -> None:
    assert relative_change(3, 2) == {"text": "+50.0%", "news": "good"}
    assert relative_change(3, 2, more_is_better=False)["news"] == "bad"
    assert relative_change(Decimal(-1), Decimal(-2)) == {"text": "+50.0%", "news": "good"}
    assert relative_change(2, 2)["news"] == relative_change(1, 0)["news"] == ""


def test_the_overview_asks_as_little_for_thirty_orders_as_for_three(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    def asked() -> int:
        caches["process"].clear()
        return len(queries(staff, reverse("admin:index")))

    for _ in range(3):
        place(alice.id, make_service())
    asked()
    few = asked()
    for _ in range(27):
        place(alice.id, make_service())
    assert asked() == few
