"""Reading: what an account is told of its balance, the services and its orders, and nobody else's."""

import gzip
import json
from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import MakeCustomer, MakeService, ask, place_one
from tradepost.accounts import keys
from tradepost.accounts.models import Account, Key
from tradepost.catalog.models import Category, CustomRate, Service
from tradepost.engine.catalog import ServiceListing
from tradepost.engine.errors import IncorrectOrder, InvalidKey
from tradepost.engine.keys import Scope
from tradepost.engine.queries import (
    BalanceOf,
    OrderStanding,
    OrderStandings,
    Query,
    ServicesFor,
    StatusesOf,
    answer_queries,
)
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status


def listing(connection: psycopg.Connection, customer: Customer) -> ServiceListing:
    [answer] = answer_queries(connection, [ServicesFor(by=customer.digest)])
    assert isinstance(answer, ServiceListing)
    return answer


def listed(connection: psycopg.Connection, customer: Customer, service: int) -> dict[str, object] | None:
    """Return a service as the customer's list has it."""
    found: list[dict[str, object]] = json.loads(listing(connection, customer).plain)
    return next((each for each in found if each["service"] == service), None)


def statuses(connection: psycopg.Connection, customer: Customer, *orders: object) -> OrderStandings:
    [answer] = answer_queries(connection, [StatusesOf(by=customer.digest, orders=[str(order) for order in orders])])
    assert isinstance(answer, dict)
    return answer


def told(standings: OrderStandings) -> dict[str, str]:
    """Return the errors, by id as it was sent."""
    return {sent: str(answer) for sent, answer in standings.items() if isinstance(answer, IncorrectOrder)}


def test_an_empty_batch_has_no_answers(connection: psycopg.Connection) -> None:
    assert answer_queries(connection, []) == []


def test_a_batch_of_many_customers_is_answered_in_its_order(
    connection: psycopg.Connection, alice: Customer, make_customer: MakeCustomer, service: int
) -> None:
    poor = make_customer("0.00001")
    order = place_one(connection, ask(alice, service)).order
    answers = answer_queries(
        connection,
        [
            BalanceOf(by=poor.digest),
            BalanceOf(by=b"no such key"),
            StatusesOf(by=poor.digest, orders=[str(order)]),
            BalanceOf(by=alice.digest),
            StatusesOf(by=alice.digest, orders=[str(order)]),
            ServicesFor(by=alice.digest),
            BalanceOf(by=poor.digest),
        ],
    )

    assert [type(answer) for answer in answers] == [Decimal, InvalidKey, dict, Decimal, dict, ServiceListing, Decimal]
    assert (answers[0], answers[3], answers[6]) == (Decimal("0.00001"), Decimal("99.91"), Decimal("0.00001"))


def test_a_credit_limit_is_no_balance(connection: psycopg.Connection, alice: Customer) -> None:
    connection.execute("UPDATE ledger_account SET credit_limit = 50 WHERE account_id = %s", [alice.id])

    assert answer_queries(connection, [BalanceOf(by=alice.digest)]) == [100]


def test_a_key_that_may_only_read_reads(connection: psycopg.Connection, make_customer: MakeCustomer) -> None:
    assert answer_queries(connection, [BalanceOf(by=make_customer("3", scope=Scope.READ).digest)]) == [3]


def test_a_key_that_is_no_good_is_told_nothing(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int
) -> None:
    revoked, suspended, elsewhere = make_customer(), make_customer(), make_customer(networks=["203.0.113.0/24"])
    orders = [str(place_one(connection, ask(each.id, service)).order) for each in (revoked, suspended, elsewhere)]
    connection.commit()
    keys.revoke(Key.objects.get(account_id=revoked.id).pk)
    Account.objects.filter(pk=suspended.id).update(is_active=False)
    requests: list[Query[object]] = [
        ask_for
        for digest in (revoked.digest, suspended.digest, elsewhere.digest, b"")
        for ask_for in (
            BalanceOf(by=digest),
            ServicesFor(by=digest, address="198.51.100.1"),
            StatusesOf(by=digest, orders=orders),
        )
    ]

    assert {type(answer) for answer in answer_queries(connection, requests)} == {InvalidKey}
    assert answer_queries(connection, [BalanceOf(by=elsewhere.digest, address="203.0.113.9")]) == [Decimal("99.91")]


def test_the_list_has_every_field_of_the_protocol(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    fields = {"description": "Slow, <b>steady</b>", "average_time": "2 h", "refill": True, "dripfeed": True}
    service = make_service(name="Visits ✓", rate=Decimal("0.9000000"), min=10, max=10_000, **fields)

    assert listed(connection, alice, service) == {
        **fields,
        "service": service,
        "name": "Visits ✓",
        "type": "Default",
        "category": "Tests",
        "rate": "0.90",
        "min": "10",
        "max": "10000",
        "cancel": False,
    }


@pytest.mark.parametrize(("rate", "shown"), [("8", "8.00"), ("0.1234567", "0.1234567"), ("0", "0.00")])
def test_a_rate_is_listed_as_the_protocol_writes_it(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService, rate: str, shown: str
) -> None:
    assert (listed(connection, alice, make_service(rate=Decimal(rate))) or {})["rate"] == shown


def test_the_compressed_list_is_the_same_list(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    answer = listing(connection, alice)

    assert gzip.decompress(answer.gzipped) == answer.plain
    assert listed(connection, alice, service)


def test_a_custom_rate_is_listed_for_its_account_only(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int
) -> None:
    assert listing(connection, alice) is listing(connection, bob), "one list serves all that have no custom rates"
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=Decimal("0.5"))

    assert (listed(connection, alice, service) or {})["rate"] == "0.50"
    assert (listed(connection, bob, service) or {})["rate"] == "0.90"


def test_services_stand_in_the_order_of_their_categories_and_positions(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    first, second, third = make_service(position=-5), make_service(position=-7), make_service()
    category = Category.objects.create(name=f"Before {first}", position=-1)
    Service.objects.filter(pk=third).update(category=category)
    found = [each["service"] for each in json.loads(listing(connection, alice).plain)]

    assert found.index(third) < found.index(second) < found.index(first)


def test_a_change_of_the_catalog_is_listed_at_once(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    before = listing(connection, alice)
    assert listing(connection, alice) is before
    Service.objects.filter(pk=service).update(name="Renamed", rate=2)
    assert (listed(connection, alice, service) or {})["name"] == "Renamed"
    Category.objects.filter(services=service).update(position=0)
    assert listing(connection, alice) is not before
    Service.objects.filter(pk=service).update(is_active=False)
    assert listed(connection, alice, service) is None


def test_an_order_stands_as_it_was_last_settled(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    order = place_one(connection, ask(alice, service)).order
    lives = [
        (None, OrderStanding("0.09", "0", "Pending", "100", "USD")),
        (Report(order, Status.IN_PROGRESS, 3572, 40), OrderStanding("0.09", "3572", "In progress", "40", "USD")),
        (Report(order, Status.COMPLETED), OrderStanding("0.09", "3572", "Completed", "0", "USD")),
        (Report(order, Status.PARTIAL, remains=33), OrderStanding("0.0603", "3572", "Partial", "33", "USD")),
        (Report(order, Status.CANCELED), OrderStanding("0.00", "3572", "Canceled", "33", "USD")),
    ]
    for report, expected in lives:
        settle(connection, [report] if report else [], actor="test")
        assert statuses(connection, alice, order) == {str(order): expected}
    connection.commit()


def test_another_customers_order_is_never_told_apart_from_one_that_is_not_there(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int
) -> None:
    of_alice, of_bob = (place_one(connection, ask(who, service)).order for who in (alice, bob))
    [for_alice, for_bob] = answer_queries(
        connection,
        [StatusesOf(by=who.digest, orders=[str(of_alice), str(of_bob), str(of_bob + 10**9)]) for who in (alice, bob)],
    )
    assert isinstance(for_alice, dict)
    assert isinstance(for_bob, dict)

    missing = str(of_bob + 10**9)
    assert told(for_alice) == {str(of_bob): "Incorrect order ID", missing: "Incorrect order ID"}
    assert told(for_bob) == {str(of_alice): "Incorrect order ID", missing: "Incorrect order ID"}


@pytest.mark.parametrize(
    "sent", ["", "0", "-1", "x", "1.0", "1e3", "9223372036854775807", "9223372036854775808", "9" * 100, "9" * 200, "١"]
)
def test_whatever_is_no_id_of_an_order_is_incorrect_and_spoils_nothing(
    connection: psycopg.Connection, alice: Customer, service: int, sent: str
) -> None:
    order = place_one(connection, ask(alice, service)).order
    found = statuses(connection, alice, sent, order)

    assert told(found) == {sent: "Incorrect order ID"}
    assert found[str(order)] == OrderStanding("0.09", "0", "Pending", "100", "USD")


def test_statuses_are_told_by_the_ids_as_they_were_sent(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    order = place_one(connection, ask(alice, service)).order

    assert list(statuses(connection, alice, f"00{order}", order)) == [f"00{order}", str(order)]
    assert not told(statuses(connection, alice, f"00{order}", order))
