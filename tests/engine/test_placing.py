"""Placing: what an order costs and keeps, and how a batch answers each of its requests."""

from decimal import Decimal

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import (
    LINK,
    MakeCustomer,
    MakeService,
    ask,
    balance,
    place_all,
    place_one,
    refuse_one,
    transfers,
    value,
)
from tradepost.catalog.models import CustomRate, Service
from tradepost.engine import site_settings
from tradepost.engine.placing import Mode, Placed, place
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status
from tradepost.site_settings.models import SiteSettings

NO_FUNDS = "Not enough funds on balance"
NO_SERVICE = "Incorrect service ID"
LINK_TAKEN = "You have active order with this link. Please wait until order being completed."


def test_an_empty_batch_has_no_answers(connection: psycopg.Connection) -> None:
    assert place(connection, [], mode=Mode.API) == []


def test_an_order_keeps_what_was_asked_for(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    service = make_service(type="Mentions", rate=Decimal("1.2345678"))
    order = place_one(connection, ask(alice, service, link=" x\\\"{}', é ", quantity=250, usernames="bob\r\n\r\nç\\"))

    row = connection.execute(
        "SELECT o.account_id, service_id, k.digest, mode, link, quantity, remains, fields, rate, charge, refunded,"
        "       status, dispatch, start_count"
        " FROM orders_order o JOIN accounts_key k ON k.id = o.key_id WHERE o.id = %s",
        [order.order],
    ).fetchone()
    assert row == (
        *(alice.id, service, alice.digest, "api", "x\\\"{}', é", 250, 250, {"usernames": "bob\nç\\"}),
        *(Decimal("1.2345678"), Decimal("0.30864"), 0, "Pending", "none", None),
    )


def test_an_account_that_has_signed_in_orders_without_a_key(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    [order] = place(connection, [ask(alice.id, service)], mode=Mode.WEB)

    assert isinstance(order, Placed)
    query = "SELECT account_id, key_id, mode, fields FROM orders_order WHERE id = %s"
    assert connection.execute(query, [order.order]).fetchone() == (alice.id, None, "web", None)


@pytest.mark.parametrize(
    ("fields", "asked", "charge"),
    [
        ({"rate": "0.90"}, {"quantity": 309}, "0.2781"),
        ({"rate": "0.0000001"}, {"quantity": 10}, "0.00001"),
        ({"rate": "1.2350000", "min": 1}, {"quantity": 1}, "0.00124"),
        ({"rate": "8.5", "type": "Package"}, {}, "8.5"),
        ({"rate": "8.1234567", "type": "Custom Comments Package"}, {"comments": "one\ntwo"}, "8.12346"),
        ({"rate": "500", "type": "Custom Comments", "min": 1}, {"comments": "one\n\ntwo\nthree"}, "1.5"),
    ],
)
def test_what_is_answered_is_what_the_ledger_moved(
    connection: psycopg.Connection,
    alice: Customer,
    make_service: MakeService,
    *,
    fields: dict[str, object],
    asked: dict[str, object],
    charge: str,
) -> None:
    order = place_one(connection, ask(alice, make_service(**fields), **asked))
    connection.commit()

    assert order.charge == Decimal(charge)
    assert transfers(connection, order.order) == [("charge", Decimal(charge))]
    assert value(connection, "SELECT charge FROM orders_order WHERE id = %s", order.order) == Decimal(charge)
    assert balance(connection, alice) == 100 - Decimal(charge)


def test_an_order_of_a_free_service_moves_no_money(
    connection: psycopg.Connection, make_customer: MakeCustomer, make_service: MakeService
) -> None:
    order = place_one(connection, ask(make_customer("0"), make_service(rate=0)))
    connection.commit()

    assert order.charge == 0
    assert transfers(connection, order.order) == []


def test_nothing_is_kept_of_a_batch_that_is_not_committed(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    order = place_one(connection, ask(alice, service))
    connection.rollback()

    assert value(connection, "SELECT count(*) FROM orders_order WHERE id = %s", order.order) == 0
    assert balance(connection, alice) == 100


def test_a_batch_of_many_customers_is_answered_in_its_order(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int
) -> None:
    customers = [make_customer("10") for _ in range(5)]
    requests = [ask(each, service, link=f"{LINK}/{n}", quantity=100 + n) for n in range(4) for each in customers]
    orders = place_all(connection, *requests)
    connection.commit()

    rows = connection.execute(
        "SELECT o.account_id, o.link, o.quantity FROM unnest(%s::bigint[]) WITH ORDINALITY AS asked (id, position)"
        " JOIN orders_order o USING (id) ORDER BY position",
        [orders],
    ).fetchall()
    assert rows == [(each.id, f"{LINK}/{n}", 100 + n) for n in range(4) for each in customers]
    assert {balance(connection, each) for each in customers} == {10 - Decimal("0.00090") * (100 + 101 + 102 + 103)}


def test_orders_are_numbered_in_the_order_of_their_batch(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int
) -> None:
    links = [f"{LINK}/{number}" for number in range(300)]
    placed = place_all(
        connection, *(ask((alice, bob)[n % 2], service, link=link, quantity=10) for n, link in enumerate(links))
    )
    rows = connection.execute("SELECT id, link FROM orders_order WHERE id = ANY(%s) ORDER BY id", [placed]).fetchall()
    assert rows == list(zip(placed, links, strict=True))


def test_a_bad_request_never_spoils_its_batch(
    connection: psycopg.Connection, alice: Customer, bob: Customer, make_customer: MakeCustomer, service: int
) -> None:
    poor = make_customer("0")
    stranger = Customer(0, "", "", b"no such key")
    answers = place_all(
        connection,
        ask(stranger, service),
        ask(alice, service),
        ask(alice, 0),
        ask(bob, service, link=""),
        ask(bob, service),
        ask(bob, service, quantity=1),
        ask(poor, service),
        ask(alice, service),
    )
    connection.commit()

    assert [answer if isinstance(answer, str) else "placed" for answer in answers] == [
        *("Invalid API key", "placed", NO_SERVICE, "Bad link", "placed"),
        *("Quantity less than minimal 10", NO_FUNDS, "placed"),
    ]
    assert (balance(connection, alice), balance(connection, bob)) == (Decimal("99.82"), Decimal("99.91"))


def test_a_charge_beyond_all_reckoning_is_refused_and_spoils_nothing(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService, service: int
) -> None:
    dear = make_service(rate=Decimal(10**13 - 1), max=2**63 - 1)
    refused, placed = place_all(connection, ask(alice, dear, quantity=2**63 - 1), ask(alice, service))

    assert refused == NO_FUNDS
    assert isinstance(placed, int)


@pytest.mark.parametrize("wire_id", ["", "0", "-1", "x", "1.5", "9" * 30, "٣"])
def test_a_service_that_is_not_there_is_incorrect(
    connection: psycopg.Connection, alice: Customer, wire_id: str
) -> None:
    assert refuse_one(connection, ask(alice, wire_id)) == NO_SERVICE


def test_a_service_that_is_not_for_sale_is_incorrect(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    assert refuse_one(connection, ask(alice, make_service(is_active=False))) == NO_SERVICE


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"link": ""}, "Bad link"),
        ({"link": "https://elsewhere.test/"}, "Bad link"),
        ({"quantity": ""}, "Incorrect quantity"),
        ({"quantity": 9}, "Quantity less than minimal 10"),
        ({"quantity": 1001}, "Quantity more than maximum 1000"),
        ({"answer_number": "x"}, "Incorrect answer_number"),
        ({"quantity": 1000}, NO_FUNDS),
    ],
)
def test_each_error_has_its_string(
    connection: psycopg.Connection,
    make_customer: MakeCustomer,
    make_service: MakeService,
    asked: dict[str, object],
    error: str,
) -> None:
    poll = make_service(type="Poll", max=1000, link_pattern=r"https://example\.test/.*")
    customer = make_customer("0.09")

    assert refuse_one(connection, ask(customer, poll, **{"answer_number": 1, **asked})) == error
    assert place_one(connection, ask(customer, poll, answer_number=1))


def test_errors_come_in_the_order_of_the_protocol(
    connection: psycopg.Connection, make_customer: MakeCustomer, make_service: MakeService
) -> None:
    customer, stranger = make_customer("0.09"), Customer(0, "", "", b"no such key")
    service = make_service(type="Poll", one_order_per_link=True)
    place_one(connection, ask(customer, service, answer_number=1))
    wrong: dict[str, object] = {"link": "", "quantity": 1, "answer_number": 0}

    assert refuse_one(connection, ask(stranger, 0, **wrong)) == "Invalid API key"
    assert refuse_one(connection, ask(customer, 0, **wrong)) == NO_SERVICE
    assert refuse_one(connection, ask(customer, service, **wrong)) == "Bad link"
    wrong["link"] = LINK
    assert refuse_one(connection, ask(customer, service, **wrong)) == "Quantity less than minimal 10"
    wrong["quantity"] = 100
    assert refuse_one(connection, ask(customer, service, **wrong)) == "Incorrect answer_number"
    wrong["answer_number"] = 1
    assert refuse_one(connection, ask(customer, service, **wrong)) == LINK_TAKEN
    wrong["link"] = f"{LINK}/2"
    assert refuse_one(connection, ask(customer, service, **wrong)) == NO_FUNDS


def test_a_balance_pays_to_the_last_cent(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int
) -> None:
    exact, short = make_customer("0.09"), make_customer("0.08999")
    placed, refused = place_all(connection, ask(exact, service), ask(short, service))
    connection.commit()

    assert isinstance(placed, int)
    assert refused == NO_FUNDS
    assert (balance(connection, exact), balance(connection, short)) == (Decimal(0), Decimal("0.08999"))


def test_a_batch_spends_a_balance_once_and_what_is_refused_spends_nothing(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int
) -> None:
    customer = make_customer("0.20")
    quantities = [150, 100, 50, 10, 10]  # 0.135, 0.09 too much, 0.045, 0.009, 0.009
    answers = place_all(connection, *(ask(customer, service, quantity=each) for each in quantities))
    connection.commit()

    assert [answer == NO_FUNDS for answer in answers] == [False, True, False, False, False]
    assert balance(connection, customer) == Decimal("0.002")


def test_a_credit_limit_is_spent_to_its_end(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int
) -> None:
    customer = make_customer("0.09")
    connection.execute("UPDATE ledger_account SET credit_limit = 0.18 WHERE account_id = %s", [customer.id])
    answers = place_all(connection, *(ask(customer, service) for _ in range(4)))
    connection.commit()

    assert [isinstance(answer, int) for answer in answers] == [True, True, True, False]
    assert answers[3] == NO_FUNDS
    assert balance(connection, customer) == Decimal("-0.18")


def test_two_keys_of_an_account_spend_one_balance(
    connection: psycopg.Connection, make_customer: MakeCustomer, service: int
) -> None:
    customer = make_customer("0.18")
    connection.execute(
        "INSERT INTO accounts_key (account_id, name, digest, prefix, scope, networks)"
        " VALUES (%s, '', sha256('another'), '', 'order', '{}')",
        [customer.id],
    )
    other = customer._replace(digest=value(connection, "SELECT sha256('another')"))
    answers = place_all(connection, *(ask(each, service) for each in (customer, other, customer.id, other)))

    assert [isinstance(answer, int) for answer in answers] == [True, True, False, False]
    assert balance(connection, customer) == 0


def test_a_custom_rate_is_for_its_account_only(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int, make_service: MakeService
) -> None:
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=Decimal("0.5"))
    requests = [ask(alice, service), ask(bob, service), ask(alice, make_service())]
    charges = [place_one(connection, request).charge for request in requests]
    connection.commit()

    assert charges == [Decimal("0.05"), Decimal("0.09"), Decimal("0.09")]


def test_a_custom_rate_of_nothing_is_free(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=0)

    assert place_one(connection, ask(alice, service)).charge == 0


def test_a_change_of_the_catalog_holds_from_the_next_batch_on(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    assert place_one(connection, ask(alice, service)).charge == Decimal("0.09")
    Service.objects.filter(pk=service).update(rate=2)
    assert place_one(connection, ask(alice, service)).charge == Decimal("0.2")
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=1)
    assert place_one(connection, ask(alice, service)).charge == Decimal("0.1")
    CustomRate.objects.filter(account_id=alice.id).delete()
    assert place_one(connection, ask(alice, service)).charge == Decimal("0.2")
    Service.objects.filter(pk=service).update(min=500)
    assert refuse_one(connection, ask(alice, service)) == "Quantity less than minimal 500"
    Service.objects.filter(pk=service).update(is_active=False)
    assert refuse_one(connection, ask(alice, service)) == NO_SERVICE
    Service.objects.filter(pk=service).update(is_active=True, min=1, type="Package")
    assert place_one(connection, ask(alice, service)).charge == 2
    connection.commit()


def test_a_service_allows_one_active_order_a_link(
    connection: psycopg.Connection, alice: Customer, bob: Customer, make_service: MakeService
) -> None:
    service, other = make_service(one_order_per_link=True), make_service(one_order_per_link=True)
    first = place_one(connection, ask(alice, service))

    assert refuse_one(connection, ask(alice, service)) == LINK_TAKEN
    assert refuse_one(connection, ask(alice, service, link=f" {LINK} ")) == LINK_TAKEN
    for allowed in (ask(alice, service, link=f"{LINK}/2"), ask(bob, service), ask(alice, other)):
        place_one(connection, allowed)
    settle(connection, [Report(first.order, Status.IN_PROGRESS)], actor="test")
    assert refuse_one(connection, ask(alice, service)) == LINK_TAKEN


@pytest.mark.parametrize("end", [Status.COMPLETED, Status.PARTIAL, Status.CANCELED])
def test_a_link_is_free_again_when_its_order_is_over(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService, end: Status
) -> None:
    service = make_service(one_order_per_link=True)
    first = place_one(connection, ask(alice, service))
    settle(connection, [Report(first.order, end)], actor="test")
    place_one(connection, ask(alice, service))
    connection.commit()

    assert refuse_one(connection, ask(alice, service)) == LINK_TAKEN


def test_a_link_is_taken_by_an_earlier_request_of_the_same_batch_if_that_was_accepted(
    connection: psycopg.Connection, make_customer: MakeCustomer, make_service: MakeService
) -> None:
    customer, service = make_customer("0.10"), make_service(one_order_per_link=True)
    answers = place_all(
        connection,
        ask(customer, service, quantity=1000),
        ask(customer, service, quantity=50),
        ask(customer, service, quantity=50),
        ask(customer, service, quantity=50, link=f"{LINK}/2"),
    )
    connection.commit()

    assert [answer if isinstance(answer, str) else "placed" for answer in answers] == [
        *(NO_FUNDS, "placed", LINK_TAKEN, "placed"),
    ]


def test_a_service_without_that_rule_takes_a_link_twice(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    assert all(isinstance(answer, int) for answer in place_all(connection, *[ask(alice, service)] * 3))


def test_placing_brings_what_the_operator_has_set_along(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    """Or a server that only takes orders would hold keys to a limit that has been changed."""
    place_one(connection, ask(alice, service))
    was = SiteSettings.objects.get().requests_a_minute
    SiteSettings.objects.update(requests_a_minute=4_321)
    place_one(connection, ask(alice, service))
    told = site_settings.cached_settings()
    SiteSettings.objects.update(requests_a_minute=was)
    assert told
    assert told.requests_a_minute == 4_321
    place_one(connection, ask(alice, service))
    now = site_settings.cached_settings()
    place_one(connection, ask(alice, service))
    assert site_settings.cached_settings() is now  # nothing was changed, so nothing is read
