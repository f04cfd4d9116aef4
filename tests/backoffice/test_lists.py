"""The lists: what they find, and that their number of queries does not grow with what they show."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.backoffice.conftest import Things
from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tradepost.backoffice.ui.site import site
from tradepost.engine.ledger import TransferKind

type Make = Callable[..., int]
ROWS_A_PAGE = 5_000  # enough for the rows of other tests too
_numbers = count(1)


def shown(client: Client, name: str, **parameters: str | int) -> list[int]:
    """Return the ids that a list shows."""
    response = client.get(reverse(f"admin:{name}_changelist"), parameters)
    assert response.status_code == 200, response.headers
    return [row.pk for row in response.context["cl"].result_list]


def queries(client: Client, address: str) -> list[str]:
    """Return the queries of a page."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def more_orders(times: int) -> str:
    """Place orders with transfers for one customer; return the parameters that list them."""
    from tradepost.accounts.models import Account
    from tradepost.catalog.models import Service

    account = Account.objects.get(email="many@backoffice.example")
    for service in Service.objects.filter(name="Many")[:times]:
        place(account.pk, service.pk)
    return f"account={account.pk}"


def more_transfers(times: int) -> str:
    more_orders(times)
    return "q=many@backoffice.example"


def more_accounts(times: int) -> str:
    from tradepost.accounts.models import Account

    for _ in range(times):
        Account.objects.create_user(f"grown{next(_numbers)}@backoffice.example", is_staff=True)
    return "q=grown"


def more_keys(times: int) -> str:
    from tradepost.accounts import keys
    from tradepost.accounts.models import Account

    for _ in range(times):
        account = Account.objects.create_user(f"keyed{next(_numbers)}@backoffice.example")
        keys.create(account, name="Growing")
    return "q=Growing"


def more_services(times: int) -> str:
    from tradepost.catalog.models import Category, Service

    provider = make_provider()
    for number in (next(_numbers) for _ in range(times)):
        category = Category.objects.create(name=f"Growing {number}")
        service = Service.objects.create(category=category, name="Growing", rate=1, max=10)
        route(service.pk, make_offer(provider))
    return "q=Growing"


def more_rates(times: int) -> str:
    from tradepost.accounts.models import Account
    from tradepost.catalog.models import Category, CustomRate, Service

    for number in (next(_numbers) for _ in range(times)):
        account = Account.objects.create_user(f"rated{number}@backoffice.example")
        category = Category.objects.create(name=f"Rated {number}")
        service = Service.objects.create(category=category, name="Rated", rate=1, max=10)
        CustomRate.objects.create(account=account, service=service, rate=Decimal("0.5"))
    return "q=rated"


def more_price_lists(times: int) -> str:
    from tradepost.accounts.models import Account
    from tradepost.catalog.models import PriceList, PriceListMember

    for number in (next(_numbers) for _ in range(times)):
        account = Account.objects.create_user(f"listed{number}@backoffice.example")
        PriceListMember.objects.create(account=account, price_list=PriceList.objects.create(name=f"Growing {number}"))
    return "q=Growing"


def more_groups(times: int) -> str:
    from django.contrib.auth.models import Group

    for _ in range(times):
        Group.objects.create(name=f"Growing {next(_numbers)}")
    return "q=Growing"


def more_actions(times: int) -> str:
    from tradepost.accounts.models import Account
    from tradepost.orders.bulk_action_types import BulkActionKind
    from tradepost.orders.bulk_actions import lifecycle

    for number in (next(_numbers) for _ in range(times)):
        by = Account.objects.create_user(f"acting{number}@backoffice.example", is_staff=True)
        lifecycle.draft(BulkActionKind.PAUSE, by, [])
    return "kind__exact=pause"


def more_stuck(times: int) -> str:
    from tradepost.accounts.models import Account
    from tradepost.catalog.models import Category, Service
    from tradepost.orders.models import StuckOrder

    account = Account.objects.get(email="many@backoffice.example")
    category, _ = Category.objects.get_or_create(name="Stuck")
    for _ in range(times):
        service = Service.objects.create(category=category, name="Stuck", rate=1, max=1_000)
        [order] = place(account.pk, service.pk)
        StuckOrder.objects.create(order_id=order, reason=StuckOrder.SLOW, expected_within=timedelta(hours=1))
    return "why=slow"


def more_jobs(times: int) -> str:
    from tradepost.fulfilment.tasks.simulator import simulate

    for _ in range(times):
        simulate.configure(queueing_lock=f"growing {next(_numbers)}").defer(timestamp=0)
    return "status=todo"


def more_providers(times: int) -> str:
    for _ in range(times):
        make_offer(make_provider())
    return "q=Provider"


def more_offers(times: int) -> str:
    from tradepost.catalog.models import Category, Service

    for number in (next(_numbers) for _ in range(times)):
        category, _ = Category.objects.get_or_create(name="Offered")
        service = Service.objects.create(category=category, name="Offered", rate=1, max=10)
        route(service.pk, make_offer(make_provider(), name=f"Growing {number}"))
    return "q=Growing"


def more_unsure(times: int) -> str:
    from tradepost.accounts.models import Account
    from tradepost.catalog.models import Category, Service

    account = Account.objects.get(email="many@backoffice.example")
    category, _ = Category.objects.get_or_create(name="Unsure")
    for _ in range(times):
        service = Service.objects.create(category=category, name="Unsure", rate=1, max=1_000)
        offer = make_offer(make_provider())
        route(service.pk, offer)
        [order] = place(account.pk, service.pk)
        attempt(offer.provider_id, order, "unsure", response="timeout")
    return "state=unsure"


@pytest.fixture
def many(make_service: Make) -> None:
    """A customer with money, and services to order."""
    from tradepost.accounts.models import Account
    from tradepost.catalog.models import Service
    from tradepost.ledger import operations

    account, made = Account.objects.get_or_create(email="many@backoffice.example")
    if made:
        operations.top_up(account.pk, Decimal(100), actor="test")
        for _ in range(30):
            make_service(name="Many")
    Service.objects.filter(name="Many").update(min=10, max=10_000, is_active=True)  # other tests edit all services


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("orders_order", more_orders),
        ("ledger_transfer", more_transfers),
        ("ledger_ledgeraccount", more_accounts),
        ("accounts_account", more_accounts),
        ("accounts_key", more_keys),
        ("catalog_category", more_services),
        ("catalog_service", more_services),
        ("catalog_customrate", more_rates),
        ("catalog_pricelist", more_price_lists),
        ("auth_group", more_groups),
        ("procrastinate_procrastinatejob", more_jobs),
        ("providers_provider", more_providers),
        ("providers_providerservice", more_offers),
        ("orders_upstreamorder", more_unsure),
        ("orders_bulkaction", more_actions),
        ("orders_stuckorder", more_stuck),
    ],
)
@pytest.mark.usefixtures("many")
def test_a_list_asks_as_little_for_thirty_rows_as_for_three(
    staff: Client, name: str, more: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.get_model_admin(apps.get_model(name.replace("_", "."))), "list_per_page", ROWS_A_PAGE)
    address = f"{reverse(f'admin:{name}_changelist')}?{more(3)}"
    staff.get(address)  # queries that run only once per process
    few = queries(staff, address)
    before = len(staff.get(address).context["cl"].result_list)
    more(27)
    many = queries(staff, address)
    assert len(staff.get(address).context["cl"].result_list) > before
    assert len(many) == len(few), "\n".join(many)


@pytest.mark.parametrize("name", ["orders_order", "ledger_transfer"])
def test_no_list_counts_a_table_to_its_end(staff: Client, things: Things, name: str) -> None:
    assert things
    asked = queries(staff, reverse(f"admin:{name}_changelist") + "?_facets=True")
    counts = [sql for sql in asked if "COUNT(" in sql or 'AS "pk" FROM' in sql]
    assert counts
    assert all("LIMIT 10000" in sql for sql in counts)


def test_a_list_says_when_it_is_cut(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradepost.backoffice.ui.pagination import NewestPaginator

    monkeypatch.setattr(NewestPaginator, "counted_max", 2)
    place(alice.id, service, 3)
    page = staff.get(reverse("admin:orders_order_changelist")).content.decode()
    assert "the newest 2 orders" in page


def test_orders_are_found_by_id_link_and_address(staff: Client, alice: Customer, bob: Customer, service: int) -> None:
    [first, second] = place(alice.id, service, 2)
    [third] = place(bob.id, service, link="https://example.com/users/@bobs-own-page")
    assert shown(staff, "orders_order", q=first) == [first]
    assert shown(staff, "orders_order", q=f"#{first}, {third}") == [third, first]
    assert shown(staff, "orders_order", q=alice.email) == [second, first]
    assert shown(staff, "orders_order", q="@BOBS-own") == [third]
    assert shown(staff, "orders_order", q="users/@bobs") == [third]
    assert shown(staff, "orders_order", q=alice.email.partition("@")[0])[:2] == [second, first]
    assert shown(staff, "orders_order", q="9" * 18) == []


def test_orders_are_filtered(staff: Client, alice: Customer, make_service: Make) -> None:
    from tradepost.catalog.models import Service

    service = make_service()
    [order] = place(alice.id, service)
    category = Service.objects.get(pk=service).category_id
    mine = {"account": alice.id}
    assert shown(staff, "orders_order", **mine, status__exact="Pending") == [order]
    assert shown(staff, "orders_order", **mine, status__exact="Completed") == []
    assert shown(staff, "orders_order", **mine, dispatch__exact="none") == [order]
    assert shown(staff, "orders_order", **mine, mode__exact="api") == []
    assert shown(staff, "orders_order", **mine, service__category__id__exact=category) == [order]


def test_days_are_filtered_both_included(staff: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    today = timezone.now().date()
    day = timedelta(days=1)

    def found(start: object, end: object) -> list[int]:
        return shown(staff, "orders_order", account=alice.id, created_at_from=str(start), created_at_to=str(end))

    assert found(today - day, today + day) == [order]
    assert found(today, today) in ([order], [])  # midnight may pass between the two
    assert found("", today - 2 * day) == []
    assert found(today + 2 * day, "") == []
    assert found("yesterday", "0000-99-99") == [order]
    assert found("", "9999-12-31") == [order]


def test_transfers_are_found_by_number_and_address(staff: Client, alice: Customer, service: int) -> None:
    from tradepost.ledger.models import Transfer

    [order] = place(alice.id, service)
    charge = Transfer.objects.get(order=order).pk
    assert charge in shown(staff, "ledger_transfer", q=order)
    assert charge in shown(staff, "ledger_transfer", q=f"#{charge}")
    assert len(shown(staff, "ledger_transfer", q=alice.email)) == 2
    assert len(shown(staff, "ledger_transfer", q=alice.email, kind__exact="charge")) == 1


def test_transfers_of_several_customers_are_merged_whatever_side_they_are_on(
    staff: Client, make_service: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradepost.accounts.models import Account
    from tradepost.backoffice.ledger import ledger_admin as listing
    from tradepost.engine.statuses import Status
    from tradepost.ledger import operations
    from tradepost.ledger.models import Transfer

    service = make_service()
    name = f"merged{next(_numbers)}"
    accounts = [Account.objects.create_user(f"{number}.{name}@backoffice.example") for number in range(3)]
    for account in accounts:
        operations.top_up(account.pk, Decimal(10), actor="test")
    for account in accounts:
        [order] = place(account.pk, service)
        settle(order, status=Status.CANCELED)
    moved = Transfer.objects.filter(Q(debit__account__in=accounts) | Q(credit__account__in=accounts))
    newest = list(moved.order_by("-pk").values_list("pk", "kind"))
    assert len(newest) == 9
    assert shown(staff, "ledger_transfer", q=name) == [id_ for id_, _ in newest]
    for kind in TransferKind:
        assert shown(staff, "ledger_transfer", q=name, kind__exact=kind) == [id_ for id_, of in newest if of == kind]
    monkeypatch.setattr(listing, "COUNTED_MAX", 4)
    assert shown(staff, "ledger_transfer", q=name) == [id_ for id_, _ in newest[:4]]
    assert shown(staff, "ledger_transfer", q="nobody has this address") == []


def test_ledger_accounts_are_filtered_by_owner(staff: Client, alice: Customer) -> None:
    assert shown(staff, "ledger_ledgeraccount", owner="house") == [4, 3, 2, 1]
    assert shown(staff, "ledger_ledgeraccount", owner="debt", q=alice.email) == []
    assert len(shown(staff, "ledger_ledgeraccount", owner="customer", q=alice.email)) == 1


def test_keys_are_filtered_by_state(staff: Client, alice: Customer) -> None:
    from tradepost.accounts import keys
    from tradepost.accounts.models import Key

    good = Key.objects.get(account=alice.id)
    assert shown(staff, "accounts_key", account=alice.id, state="good") == [good.pk]
    keys.revoke(good.pk)
    assert shown(staff, "accounts_key", account=alice.id, state="good") == []
    assert shown(staff, "accounts_key", account=alice.id, state="revoked") == [good.pk]


def test_the_order_list_reloads_if_asked_to(staff: Client) -> None:
    address = reverse("admin:orders_order_changelist")
    assert "every 5s" not in staff.get(address).content.decode()
    assert "every 5s" in staff.get(address, {"reload": "5"}).content.decode()
    assert "every 0" not in staff.get(address, {"reload": "0;url=https://elsewhere.example"}).content.decode()
