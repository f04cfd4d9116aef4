"""The catalog in memory: exact at its version, whoever changed it, and whatever was rolled back."""

from collections.abc import Callable
from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, MakeCustomer, MakeService, ask, place_one, value
from tradepost.catalog.models import (
    Category,
    CustomRate,
    PriceList,
    PriceListDiscount,
    PriceListMember,
    PriceListRate,
    Service,
)
from tradepost.engine import catalog as catalog_module
from tradepost.engine.catalog import cached_catalog, catalog_at, load_catalog


def version(connection: psycopg.Connection) -> int:
    connection.commit()
    found: int = value(connection, "SELECT version FROM catalog_catalogversion")
    return found


def test_a_service_is_found_by_its_id_as_clients_write_it(connection: psycopg.Connection, service: int) -> None:
    catalog = load_catalog(connection)

    for wire_id in (str(service), f"00{service}"):
        found = catalog.service(wire_id)
        assert found
        assert (found.id, found.name, found.rate) == (service, "Followers", Decimal("0.90"))


@pytest.mark.parametrize("wire_id", ["", "0", "00", "x", "-1", "1.5", "9" * 5000])
def test_what_is_no_service_is_not_found(connection: psycopg.Connection, wire_id: str) -> None:
    assert load_catalog(connection).service(wire_id) is None


def test_a_service_off_sale_is_not_found(connection: psycopg.Connection, make_service: MakeService) -> None:
    service = make_service(is_active=False)

    assert load_catalog(connection).service(str(service)) is None


def _category(service: int) -> int:
    return Service.objects.get(pk=service).category_id


def _agree(service: int, account: int) -> CustomRate:
    return CustomRate.objects.create(service_id=service, account_id=account, rate=1)


def _change(agreed: CustomRate) -> None:
    agreed.rate = Decimal(2)
    agreed.save()


def _list(service: int, account: int) -> PriceList:
    return PriceList.objects.create(name=f"Changes {service} {account}", discount_percent=5)


CHANGES: dict[str, Callable[[int, int], object]] = {
    "a category made": lambda service, _: Category.objects.create(name=f"Made beside {service}"),
    "a category changed": lambda service, _: Category.objects.filter(services=service).update(position=0),
    "a service made": lambda service, _: Service.objects.create(category_id=_category(service), name="New", rate=1),
    "a service changed": lambda service, _: Service.objects.filter(pk=service).update(rate=3),
    "a rate made": _agree,
    "a rate changed": lambda service, account: _change(_agree(service, account)),
    "a rate dropped": lambda service, account: _agree(service, account).delete(),
    "a list made": _list,
    "a list changed": lambda service, account: PriceList.objects.filter(pk=_list(service, account).pk).update(note="x"),
    "a discount made": lambda service, account: PriceListDiscount.objects.create(
        price_list=_list(service, account), category_id=_category(service), discount_percent=1
    ),
    "a list's rate made": lambda service, account: PriceListRate.objects.create(
        price_list=_list(service, account), service_id=service, rate=1
    ),
    "a member added": lambda service, account: PriceListMember.objects.create(
        price_list=_list(service, account), account_id=account
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_counts_the_version_up(
    connection: psycopg.Connection, alice: Customer, service: int, change: str
) -> None:
    before = version(connection)
    CHANGES[change](service, alice.id)

    assert version(connection) > before


def test_selling_does_not_count_the_version_up(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    before = version(connection)
    place_one(connection, ask(alice, service))
    connection.commit()

    assert version(connection) == before


def test_the_catalog_is_read_once_a_version(connection: psycopg.Connection, service: int) -> None:
    held = catalog_at(connection, version(connection))
    assert catalog_at(connection, held.version) is cached_catalog(connection) is held
    Service.objects.filter(pk=service).update(rate=3)
    assert cached_catalog(connection) is held, "nobody has told of the new version yet"

    newer = catalog_at(connection, version(connection))
    assert newer is not held
    assert cached_catalog(connection) is newer


def test_a_change_that_was_rolled_back_is_never_sold(connect: Connect, alice: Customer, service: int) -> None:
    undecided, other = connect(), connect()
    undecided.execute("UPDATE catalog_service SET rate = 500 WHERE id = %s", [service])
    assert place_one(undecided, ask(alice, service)).charge == 50
    undecided.rollback()
    assert place_one(other, ask(alice, service)).charge == Decimal("0.09")
    Service.objects.filter(pk=service).update(rate=1)
    assert place_one(other, ask(alice, service)).charge == Decimal("0.1")


def test_a_version_number_is_not_used_again_after_a_rollback(connect: Connect, alice: Customer, service: int) -> None:
    undecided, other = connect(), connect()
    undecided.execute("UPDATE catalog_service SET rate = 500 WHERE id = %s", [service])
    assert place_one(undecided, ask(alice, service)).charge == 50
    undecided.rollback()
    Service.objects.filter(pk=service).update(rate=1)

    assert place_one(other, ask(alice, service)).charge == Decimal("0.1")


def test_custom_rates_are_read_when_they_are_needed(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int
) -> None:
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=Decimal("0.5"))
    catalog = load_catalog(connection)
    found = catalog.service(str(service))
    assert found
    catalog.load_rates(connection, {alice.id})
    catalog.load_rates(connection, {alice.id, bob.id})

    assert [catalog.rate(who.id, found) for who in (alice, bob)] == [Decimal("0.5"), Decimal("0.9")]


def test_memory_for_rates_is_bounded_and_the_rates_stay_right(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "CUSTOM_RATES_ACCOUNTS_MAX", 2)
    customers = [make_customer("0") for _ in range(6)]
    for number, customer in enumerate(customers, 1):
        CustomRate.objects.create(account_id=customer.id, service_id=service, rate=number)
    catalog = load_catalog(connection)
    found = catalog.service(str(service))
    assert found
    for _ in range(2):
        for number, customer in enumerate(customers, 1):
            catalog.load_rates(connection, {customer.id, customers[0].id})
            assert catalog.rate(customer.id, found) == number
            assert catalog.rate(customers[0].id, found) == 1
    assert len(catalog._special_rates) <= 4


def test_memory_for_lists_is_bounded_and_the_lists_stay_right(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "LISTINGS_MAX", 2)
    customers = [make_customer("0") for _ in range(4)]
    for number, customer in enumerate(customers, 1):
        CustomRate.objects.create(account_id=customer.id, service_id=service, rate=Decimal(f"77.7{number}"))
    catalog = load_catalog(connection)
    catalog.load_rates(connection, {customer.id for customer in customers})

    for number, customer in enumerate(customers, 1):
        assert f'"rate":"77.7{number}"'.encode() in catalog.listing(customer.id).plain
    assert len(catalog._listings) <= 2
