"""The search of the whole back office: rows first, then the menu, and nothing that the role may not see."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.backoffice.browsers import me, member, staff_with
from tests.builders import attempt, make_offer, make_provider, place, route
from tests.conftest import Customer
from tradepost.accounts.models import Account
from tradepost.catalog.models import Service

pytestmark = pytest.mark.usefixtures("workers_at_rest")


def find(client: Client, term: str) -> list[str]:
    """Return the links that the search answers with, the likeliest first."""
    response = client.get(reverse("admin:search"), {"s": term})
    assert response.status_code == 200
    return [str(hit.link) for hit in response.context["results"]] if response.context else []


def page(name: str, row: int) -> str:
    return reverse(f"admin:{name}_change", args=[row])


def test_an_order_is_found_by_our_id_and_by_its_providers(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    service, provider = make_service(), make_provider()
    route(service, make_offer(provider))
    [order] = place(alice.id, service)
    attempt(provider.pk, order, "sent", upstream_id="PX-90817")
    for term in (str(order), f"#{order}", "PX-90817"):
        assert find(staff, term)[0] == page("orders_order", order)
    assert page("orders_order", order) not in find(member("support"), "PX-90817")


def test_an_account_is_found_by_its_address_name_and_id(staff: Client) -> None:
    dora = Account.objects.create_user("dora.found@search.example", name="Dorothea Finch")
    for term in ("dora.found", "Dora.Found@search.example", "dorothea", str(dora.pk)):
        assert page("accounts_account", dora.pk) in find(staff, term)


def test_a_service_is_found_by_its_id_and_a_part_of_its_name(staff: Client, make_service: Callable[..., int]) -> None:
    service = make_service(name="Marzipan Likes")
    assert page("catalog_service", service) in find(staff, str(service))
    assert find(staff, "zipan")[0] == page("catalog_service", service)


def test_entries_of_the_menu_come_after_rows(staff: Client, make_service: Callable[..., int]) -> None:
    make_service(name="Stuck labels")
    *rows, last = find(staff, "stuck")
    assert last == reverse("admin:orders_stuckorder_changelist")
    assert rows
    assert all(row.endswith("/change/") for row in rows)


def test_nobody_finds_what_the_role_may_not_see(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    name, email = Service.objects.get(pk=service).name, Account.objects.get(pk=alice.id).email
    fulfiller = member("fulfiller")
    for term in (str(order), name, str(email), "providers"):
        assert find(fulfiller, term) == []
    only_services = staff_with("catalog.view_service")
    assert page("catalog_service", service) in find(only_services, str(service))
    assert page("accounts_account", alice.id) not in find(only_services, str(alice.id))


def test_nothing_odd_breaks_the_search(staff: Client) -> None:
    for term in ("", "  ", "9" * 19, "9" * 200, "%", "_", "\u0661", "#", "<b>"):
        assert isinstance(find(staff, term), list)


def test_a_customer_gets_no_answer(alice: Customer) -> None:
    client = Client()
    client.force_login(Account.objects.get(pk=alice.id))
    assert client.get(reverse("admin:search"), {"s": "1"}).status_code == 302


def test_accounts_are_looked_up_in_indexes_and_few_queries_are_asked(staff: Client) -> None:
    assert me(staff)
    with CaptureQueriesContext(connection) as queries:
        find(staff, "4711")
    plans = []
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        for query in queries.captured_queries:
            if "LIKE" in query["sql"] and "accounts_account" in query["sql"]:
                cursor.execute(f"EXPLAIN {query['sql']}")
                plans.append(" ".join(row[0] for row in cursor.fetchall()))
        cursor.execute("RESET enable_seqscan")
    assert len(plans) == 2
    assert all("Index Cond" in plan for plan in plans), plans
    assert len(queries) < 25
