"""Sales reports: their figures, who may see which of them, and their CSV files."""

import csv
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils.http import urlencode

from tests.backoffice.browsers import sign_in
from tests.backoffice.test_lists import queries
from tests.builders import place, settle
from tests.conftest import Customer
from tests.reports.random_history import sent
from tradepost.accounts.models import Account
from tradepost.backoffice.reports.columns import COLUMNS, PROFIT
from tradepost.backoffice.reports.sales import TITLES
from tradepost.engine.statuses import Status
from tradepost.reports.queries import GroupBy

SALES_COLUMNS = [column.title for column in COLUMNS if column.permission != PROFIT]


def staff_with(*permissions: str) -> Client:
    """Return the browser of a member of staff with these permissions."""
    client = sign_in(is_staff=True)
    account = Account.objects.latest("id")
    account.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return client


def rows(client: Client, by: str, **parameters: str) -> dict[str, dict[str, str]]:
    """Return the rows of a CSV file by name."""
    response = client.get(reverse("report_file", args=[by]), parameters)
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined] # Django's stubs don't say
    found = list(csv.DictReader(StringIO(text)))
    return {row[list(row)[1]]: row for row in found}


@pytest.fixture
def sold(alice: Customer, make_service: Callable[..., int]) -> int:
    """A service with 2 orders at a rate of 0.1, one of them canceled."""
    service = make_service(name="Sold", rate=Decimal(1))
    [_, canceled] = place(alice.id, service, 2)
    settle(canceled, status=Status.CANCELED)
    return service


@pytest.mark.parametrize("by", TITLES)
def test_every_report_opens_and_comes_as_a_file(staff: Client, sold: int, by: GroupBy) -> None:
    assert sold
    response = staff.get(reverse("report", args=[by.value]))
    assert response.status_code == 200
    assert [column["title"] for column in response.context["columns"]] == [column.title for column in COLUMNS]
    rows(staff, by.value)


def test_a_service_shows_what_it_brought(staff: Client, sold: int) -> None:
    row = rows(staff, "service")[f"{sold} · Sold"]
    assert (row["Orders"], row["Quantity"], row["Canceled"]) == ("2", "200", "1")
    assert (Decimal(row["Charged"]), Decimal(row["Refunded"]), Decimal(row["Revenue"])) == (
        Decimal("0.2"), Decimal("0.1"), Decimal("0.1"),
    )  # fmt: skip


def test_cost_is_what_was_expected_until_the_provider_has_told_it(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    service = make_service(name="Routed", rate=Decimal(1))
    hear = sent(alice.id, service, rate=Decimal("0.4"))
    name = f"{service} · Routed"
    assert Decimal(rows(staff, "service")[name]["Cost"]) == Decimal("0.04")
    hear(status=Status.COMPLETED, cost=Decimal("0.03"))
    row = rows(staff, "service")[name]
    assert (Decimal(row["Cost"]), Decimal(row["Profit"])) == (Decimal("0.03"), Decimal("0.07"))


@pytest.mark.parametrize("by", TITLES)
def test_who_may_see_sales_only_sees_no_cost_and_no_profit_anywhere(sold: int, by: GroupBy) -> None:
    assert sold
    dora = staff_with("view_sales", "view_service", "view_category", "view_provider", "view_account", "view_order")
    page = dora.get(reverse("report", args=[by.value]), {"sort": "-profit"})
    assert [column["title"] for column in page.context["columns"]] == SALES_COLUMNS
    for word in ("Profit", "Margin", "Cost", "profit"):
        assert word not in page.content.decode().partition('class="tp-overview"')[2].replace("sort=-profit", "")
    for row in rows(dora, by.value, sort="profit").values():
        assert list(row)[2:] == SALES_COLUMNS


@pytest.mark.parametrize("name", ["report", "report_file"])
def test_a_report_is_for_those_who_may_see_sales_and_what_it_is_of(name: str, charlie: Client) -> None:
    assert charlie.get(reverse(name, args=["day"])).status_code == 403
    assert sign_in().get(reverse(name, args=["day"])).status_code == 302
    dora = staff_with("view_sales")
    assert dora.get(reverse(name, args=["day"])).status_code == 200
    assert dora.get(reverse(name, args=["account"])).status_code == 403
    assert dora.get(reverse(name, args=["moon"])).status_code == 404


def test_a_row_leads_to_the_orders_behind_it(staff: Client, sold: int) -> None:
    page = staff.get(reverse("report", args=["service"]), {"sort": "-subject"})
    [link] = [row["link"] for row in page.context["rows"] if row["name"] == f"{sold} · Sold"]
    response = staff.get(link)
    assert [order.service_id for order in response.context["cl"].result_list] == [sold, sold]


@pytest.mark.parametrize(
    ("name", "written"),
    [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM", "'@SUM"), ("\tx", "'\tx"), ('a,"b', 'a,"b')],
)
def test_no_name_in_a_file_is_taken_for_a_formula(
    staff: Client, alice: Customer, make_service: Callable[..., int], name: str, written: str
) -> None:
    from tradepost.catalog.models import Category, Service

    category, _ = Category.objects.get_or_create(name=name)
    service = make_service()
    Service.objects.filter(pk=service).update(category=category)
    place(alice.id, service)
    assert rows(staff, "category")[written]["Id"] == str(category.pk)


def test_what_the_address_asks_for_and_can_not_be_is_as_if_it_had_not_asked(staff: Client) -> None:
    address = reverse("report", args=["day"])
    usual = staff.get(address).context["period"]
    for nonsense in ({"preset": "x"}, {"from": "0000-00-00"}, {"page": "-1"}, {"sort": "-x"}, {"page": "9" * 30}):
        assert staff.get(address, nonsense).context["period"] == usual
    turned = staff.get(address, {"from": "2026-02-02", "to": "2026-02-01"}).context["period"]
    assert (str(turned.first), str(turned.last)) == ("2026-02-01", "2026-02-02")
    assert staff.get(address, {"from": "2001-01-01", "to": "2190-01-01"}).context["period"].days <= 3660


def test_each_preset_opens(staff: Client) -> None:
    for preset in staff.get(reverse("report", args=["day"])).context["presets"]:
        assert staff.get(reverse("report", args=["day"]) + preset["link"]).status_code == 200


def test_a_report_asks_as_little_for_thirty_rows_as_for_three(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    def more(times: int) -> None:
        for _ in range(times):
            place(alice.id, make_service())

    more(3)
    address = f"{reverse('report', args=['service'])}?{urlencode({'sort': '-subject'})}"
    staff.get(address)
    few = queries(staff, address)
    more(27)
    assert len(queries(staff, address)) == len(few)


def test_rows_beyond_a_page_are_on_the_next(
    staff: Client, alice: Customer, make_service: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradepost.backoffice.reports import sales

    monkeypatch.setattr(sales, "ROWS_A_PAGE", 1)
    for _ in range(2):
        place(alice.id, make_service())
    address = reverse("report", args=["service"])
    first: Any = staff.get(address, {"sort": "-subject"}).context
    second = staff.get(address + first["page_after"]).context
    names = [[row["name"] for row in page["rows"]] for page in (first, second)]
    assert [len(each) for each in names] == [1, 1]
    assert names[0] != names[1]
