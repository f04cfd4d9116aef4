"""Links are mended while nobody has begun to fulfil their orders, and not later."""

import psycopg
import pytest

from tests.conftest import Customer
from tests.engine.engine_calls import MakeService, ask, place_one, value
from tradepost.engine.link_editing import LinkEdit, edit_links
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status

NEW = "https://example.test/mended"


def link(connection: psycopg.Connection, order: int) -> str:
    return str(value(connection, "SELECT link FROM orders_order WHERE id = %s", order))


def edit(connection: psycopg.Connection, *orders: int) -> set[int]:
    return edit_links(connection, [LinkEdit(order, NEW) for order in orders], actor="test")


def test_a_link_is_changed_and_the_old_one_noted(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    order = place_one(connection, ask(alice, service, link="https://example.test/wrong")).order
    assert edit(connection, order) == {order}
    assert link(connection, order) == NEW
    query = "SELECT actor, from_status, to_status, note FROM orders_orderevent WHERE order_id = %s"
    [event] = connection.execute(query, [order]).fetchall()
    assert event == ("test", "Pending", "Pending", "link was https://example.test/wrong")


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.COMPLETED, Status.CANCELED])
def test_what_has_been_begun_keeps_its_link(
    connection: psycopg.Connection, alice: Customer, service: int, status: Status
) -> None:
    order = place_one(connection, ask(alice, service)).order
    settle(connection, [Report(order, status)], actor="test")
    assert edit(connection, order) == set()
    assert link(connection, order) != NEW


def test_a_drip_feed_keeps_its_link(connection: psycopg.Connection, alice: Customer, make_service: MakeService) -> None:
    order = place_one(connection, ask(alice, make_service(dripfeed=True), runs=2, interval=60)).order
    assert edit(connection, order) == set()


def test_an_order_that_is_not_there_is_not_edited(connection: psycopg.Connection) -> None:
    assert edit(connection, 2**62) == set()


def test_of_two_that_may_not_have_the_same_link_one_gets_it(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    service = make_service(one_order_per_link=True)
    first, second = (place_one(connection, ask(alice, service, link=f"{NEW}/{n}")).order for n in range(2))
    assert edit(connection, first, second) == {first}
    assert (link(connection, first), link(connection, second)) == (NEW, f"{NEW}/1")
