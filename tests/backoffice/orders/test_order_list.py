"""The order list: its filters, how far back it searches, its columns, and its export."""

import gc
from collections.abc import Callable
from itertools import takewhile
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import sign_in
from tests.backoffice.test_lists import shown
from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.backoffice.orders import search_window
from tradepost.engine.statuses import Status

LIST = "admin:orders_order_changelist"

pytestmark = pytest.mark.usefixtures("workers_at_rest")


def looker(*more: str) -> Client:
    """A member of staff who may view orders, and has these further permissions."""
    client = sign_in(is_staff=True)
    Account.objects.latest("id").user_permissions.add(*Permission.objects.filter(codename__in=["view_order", *more]))
    return client


def found(client: Client, **asked: object) -> list[int]:
    return shown(client, "orders_order", **{name: str(value) for name, value in asked.items()})


@pytest.fixture
def sent(alice: Customer, make_service: Callable[..., int]) -> tuple[int, int]:
    """A provider, and an order of Alice's whose id there is `77-` and its own id."""
    service, offer = make_service(), make_offer(make_provider())
    route(service, offer)
    [order] = place(alice.id, service)
    attempt(offer.provider_id, order, "sent", upstream_id=f"77-{order}")
    return offer.provider_id, order


def test_orders_are_found_by_what_is_pasted(staff: Client, alice: Customer, service: int) -> None:
    first, second, third = place(alice.id, service, 3)
    assert found(staff, ids=f"#{first}, {third}") == [third, first]
    assert found(staff, ids="none") == []
    assert second


def test_orders_are_found_by_what_their_provider_calls_them(
    staff: Client, alice: Customer, service: int, sent: tuple[int, int]
) -> None:
    provider, order = sent
    place(alice.id, service)
    assert found(staff, upstream=f" 77-{order} ") == [order]
    assert found(staff, upstream=f"77-{order}0") == []
    assert found(staff, provider=provider) == [order]
    assert found(staff, provider=provider, status__exact="Completed") == []


def test_orders_are_found_by_link_account_service_and_kind(
    staff: Client, alice: Customer, bob: Customer, make_service: Callable[..., int]
) -> None:
    service = make_service()
    [mine], [other] = (
        place(alice.id, service, link="https://example.com/mine"),
        place(bob.id, service, link="https://example.com/other"),
    )
    assert found(staff, service__id__exact=service, link="MINE") == [mine]
    assert found(staff, service__id__exact=service, account__id__exact=bob.id) == [other]
    assert found(staff, service__id__exact=service, mode__exact="web") == [other, mine]
    assert found(staff, service__id__exact=service, mode__exact="mass") == []
    assert found(staff, service__id__exact=service, play="no") == [other, mine]
    assert found(staff, service__id__exact=service, play="yes") == []


def test_orders_of_keys_for_tests_are_told_apart(staff: Client, alice: Customer, service: int) -> None:
    keys.create(Account.objects.get(pk=alice.id), test=True)
    [order] = place(Account.objects.get(test_of=alice.id).pk, service)
    assert found(staff, service__id__exact=service, play="yes") == [order]
    assert found(staff, service__id__exact=service, play="no") == []


def test_what_no_index_answers_is_looked_for_among_the_newest_and_further_back_if_asked_to(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_window, "WINDOW_ORDERS_MAX", 2)
    orders = place(alice.id, service, 5)
    asked = {"mode__exact": "web"}
    page = staff.get(reverse(LIST), asked)
    assert [row.pk for row in page.context["cl"].result_list] == orders[:2:-1]
    assert f"Searched are orders from {orders[3]} on" in page.content.decode()
    further = staff.get(reverse(LIST) + page.context["cl"].further_back)
    assert [row.pk for row in further.context["cl"].result_list] == orders[2:0:-1]
    assert f"before {orders[3]}" in further.content.decode()


@pytest.mark.parametrize("asked", [{}, {"ids": "{}"}, {"account": "{}"}, {"q": "{}"}, {"status__exact": "Pending"}])
def test_what_an_index_answers_is_all_looked_at(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]
) -> None:
    [order] = place(alice.id, service)
    monkeypatch.setattr(search_window, "WINDOW_ORDERS_MAX", 0)
    known = {name: value.format(alice.id if name == "account" else order) for name, value in asked.items()}
    assert order in found(staff, **known)


@pytest.mark.parametrize("asked", [{"upstream": " "}, {"upstream": ["77", " "]}])
def test_an_id_of_nothing_but_blanks_finds_nothing_by_an_index(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    monkeypatch.setattr(search_window, "WINDOW_ORDERS_MAX", 1)
    place(alice.id, service, 2)
    assert staff.get(reverse(LIST), {**asked, "link": "zzz"}).context["cl"].window.is_cut


def test_of_an_account_with_very_many_orders_the_newest_are_looked_at(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_window, "ACCOUNT_ORDERS_MAX", 2)
    orders = place(alice.id, service, 4)
    assert found(staff, account=alice.id, mode__exact="web") == orders[:1:-1]
    assert found(staff, account=alice.id, mode__exact="web", before=orders[2]) == orders[1::-1]


def test_with_very_many_active_orders_the_newest_are_looked_at(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_window, "ACTIVE_ORDERS_MAX", 1)
    monkeypatch.setattr(search_window, "WINDOW_ORDERS_MAX", 1)
    first, second = place(alice.id, service, 2)
    assert found(staff, status__exact="Pending") == [second]
    assert first


def test_days_bound_what_is_looked_at(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_window, "WINDOW_ORDERS_MAX", 1)
    place(alice.id, service, 2)
    page = staff.get(reverse(LIST), {"mode__exact": "web", "created_at_from": "2199-01-01"})
    assert not page.context["cl"].window.is_cut


def test_who_may_not_see_providers_neither_filters_nor_reads_by_them(sent: tuple[int, int]) -> None:
    provider, order = sent
    support = looker()
    page = support.get(reverse(LIST))
    assert "By provider" not in page.content.decode()
    assert "provider" not in [name for name, _, _ in page.context["columns"]]
    assert support.get(reverse(LIST), {"upstream": f"77-{order}"}).status_code == 302
    assert provider


def columns(client: Client) -> list[Any]:
    return list(client.get(reverse(LIST)).context["cl"].list_display)


def test_columns_are_each_ones_own(staff: Client, sent: tuple[int, int]) -> None:
    other = sign_in(is_staff=True, is_superuser=True)
    at_first = columns(other)
    form = {"columns": ["upstream_id", "mode", "nonsense"], "list": "?mode__exact=web"}
    response = staff.post(reverse("admin:orders_order_columns"), form)
    assert response.headers["Location"] == f"{reverse(LIST)}?mode__exact=web"
    assert columns(staff) == ["action_checkbox", "id", "upstream_id", "mode"]
    assert columns(other) == at_first
    assert f"77-{sent[1]}" in staff.get(reverse(LIST)).content.decode()
    staff.post(reverse("admin:orders_order_columns"), {"list": ""})
    assert columns(staff) == at_first


def test_charlie_chooses_no_columns_and_gets_no_file(charlie: Client) -> None:
    assert charlie.post(reverse("admin:orders_order_columns"), {"columns": ["mode"]}).status_code == 403
    assert charlie.get(reverse("admin:orders_order_export")).status_code == 403


def lines(response: Any) -> list[str]:
    return b"".join(response.streaming_content).decode().split("\r\n")[:-1]


def test_the_list_is_a_file_however_far_back(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradepost.backoffice.orders import csv_export

    monkeypatch.setattr(search_window, "WINDOW_ORDERS_MAX", 3)
    monkeypatch.setattr(csv_export, "BATCH", 2)
    monkeypatch.setattr(csv_export, "EXPORTED_MAX", 5)
    orders = place(alice.id, service, 5)
    settle(orders[0], status=Status.CANCELED)
    asked: dict[str, str | int] = {"service__id__exact": service, "mode__exact": "web"}
    head, *rows = lines(staff.get(reverse("admin:orders_order_export"), asked))
    assert head.startswith("order,created,account,service,")
    assert [int(row.split(",")[0]) for row in rows] == orders[::-1]
    assert "0.09,0.09,Canceled,none,,100,web" in rows[-1]


def test_stretches_are_all_there_is_and_none_of_it_twice(alice: Customer, service: int) -> None:
    first, *_, last = place(alice.id, service, 5)
    [*walks] = stretches_of(f"mode__exact=web&before={last}", size=2, down_to=first)
    assert [(walk.first, walk.end) for walk in walks] == [(last - 2, last), (last - 4, last - 2)]
    assert [(walk.first, walk.end) for walk in stretches_of(f"ids={first}", size=2, down_to=first)] == [(0, None)]


def stretches_of(query: str, *, size: int, down_to: int) -> list[search_window.SearchWindow]:
    from django.http import QueryDict
    from django.test import RequestFactory

    request = RequestFactory().get("/", QueryDict(query).dict())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search_window, "WINDOW_ORDERS_MAX", size)
        return list(
            takewhile(lambda walk: not walk.first or walk.first >= down_to, search_window.export_windows(request))
        )


def test_few_files_are_made_at_a_time(staff: Client, alice: Customer, service: int) -> None:
    from tradepost.backoffice.orders import csv_export

    [order] = place(alice.id, service)
    address, asked = reverse("admin:orders_order_export"), {"ids": order}
    gc.collect()  # closes exports of other tests that were never read
    files = [staff.get(address, asked) for _ in range(csv_export.OPEN_EXPORTS_MAX)]
    refused = staff.get(address, asked, follow=True)
    assert "2 lists are being exported already" in refused.content.decode()
    assert [len(lines(file)) for file in files] == [2, 2]
    assert len(lines(staff.get(address, asked))) == 2


def test_what_is_ticked_is_a_file(staff: Client, alice: Customer, service: int) -> None:
    first, second = place(alice.id, service, 2)
    response = staff.post(reverse(LIST), {"action": "export", "_selected_action": [str(first)]})
    assert [line.split(",")[0] for line in lines(response)] == ["order", str(first)]
    assert second


def test_no_file_has_formulas_or_what_its_reader_may_not_see(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service, link="=HYPERLINK(1)")
    exporter = looker("export_order")
    head, row = lines(exporter.get(reverse("admin:orders_order_export"), {"ids": order}))
    assert "'=HYPERLINK(1)" in row
    assert "provider" not in head


def test_who_may_only_look_gets_no_file(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    support = looker()
    assert support.get(reverse("admin:orders_order_export")).status_code == 403
    support.post(reverse(LIST), {"action": "cancel", "_selected_action": [str(order)]})
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders_bulkorder WHERE order_id = %s", [order])
        assert cursor.fetchone() == (0,)
