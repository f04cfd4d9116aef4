"""Mass orders: all of them are placed, or none."""

import pytest
from django.test import Client

from tests.conftest import Customer
from tests.panel.conftest import browser
from tradepost.engine.placing import Mode
from tradepost.orders.models import Order

MASS = "/orders/mass/"


def send(client: Client, text: str, **form: str) -> str:
    """Place lines, and return the page with their mistakes; empty if they were placed."""
    response = client.post(MASS, {"orders": text, "place": "1", **form})
    return "" if response.status_code == 302 else response.content.decode()


def lines(service: int, count: int = 3) -> str:
    return "\n".join(f"{service} | https://example.com/{number} | 100" for number in range(count))


def test_every_line_is_an_order(alice: Customer, service: int) -> None:
    assert send(browser(alice), lines(service)) == ""
    placed = Order.objects.filter(account=alice.id)
    assert {order.link[-1] for order in placed} == {"0", "1", "2"}
    assert {order.mode for order in placed} == {Mode.MASS.value}


def test_a_check_places_nothing_and_tells_the_sum(alice: Customer, service: int) -> None:
    page = browser(alice).post(MASS, {"orders": lines(service), "check": "1"}).content.decode()
    assert "3 orders for $0.27" in page
    assert not Order.objects.filter(account=alice.id).exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{} | https://example.com | 1", "Minimum quantity is 10"),
        ("{} | | 100", "Enter a link"),
        ("0 | https://example.com | 100", "There is no service with this id."),
        ("{} https://example.com", "Use the format: service | link | quantity"),
    ],
)
def test_one_wrong_line_holds_back_all_and_says_why(line: str, words: str, alice: Customer, service: int) -> None:
    page = send(browser(alice), lines(service) + "\n" + line.format(service))
    assert words in page
    assert "Fix 1 line." in page
    assert not Order.objects.filter(account=alice.id).exists()


def test_money_for_some_of_them_is_money_for_none(alice: Customer, service: int) -> None:
    each = f"{service} | https://example.com/page | 10000"
    page = send(browser(alice), "\n".join([each] * 12))  # 9.00 each, of 100.00
    assert page.count("Your balance is too low.") == 1
    assert not Order.objects.filter(account=alice.id).exists()


def test_a_form_sent_twice_orders_once(alice: Customer, service: int) -> None:
    client = browser(alice)
    for _ in range(2):
        assert send(client, lines(service), name="mass-one") == ""
    assert Order.objects.filter(account=alice.id).count() == 3


def test_more_lines_than_a_batch_takes_are_refused(alice: Customer, service: int) -> None:
    assert "At most 1000 lines" in send(browser(alice), lines(service, 1_001))


def test_an_empty_form_is_just_the_form(alice: Customer) -> None:
    assert 'name="orders"' in send(browser(alice), " \n \n")
