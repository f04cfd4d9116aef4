"""A key that is revoked while orders are placed with it: no order is taken that was sent after the revocation."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from tests import asking
from tests.api.api_calls import LINK
from tests.conftest import Customer, Desk
from tests.waiting import until
from tradepost.accounts import keys
from tradepost.accounts.models import Key
from tradepost.orders.models import Order

BUYERS = 4
ORDERS_BEFORE = 40
ORDERS_AFTER = 40


class Sent(NamedTuple):
    """A request: when it was sent, and whether its order was taken."""

    at: float
    is_taken: bool


def buy(desk: Desk, customer: Customer, service: int, sent: list[Sent], is_over: threading.Event) -> None:
    """Place one order after the other on a connection of one's own."""
    order = {"key": customer.key, "action": "add", "service": service, "quantity": 10, "link": LINK}
    with asking.Session() as session:
        while not is_over.is_set():
            at = time.monotonic()
            answer = session.post(desk.api_url, data=order).json()
            assert "order" in answer or answer == {"error": "Invalid API key"}, answer
            sent.append(Sent(at, "order" in answer))


def test_a_key_that_is_revoked_in_flight_places_no_order_afterwards(
    desk: Desk, make_customer: Callable[..., Customer], service: int
) -> None:
    """The control is another customer, whose key goes on."""
    revoked, other = make_customer("1000"), make_customer("1000")
    by_revoked: list[Sent] = []
    by_other: list[Sent] = []
    is_over = threading.Event()
    buyers = [
        threading.Thread(target=partial(buy, desk, customer, service, sent, is_over))
        for customer, sent in ((revoked, by_revoked), (other, by_other))
        for _ in range(BUYERS)
    ]
    for buyer in buyers:
        buyer.start()
    try:
        until(lambda: sum(each.is_taken for each in by_revoked) >= ORDERS_BEFORE, "orders are placed with the key")
        assert keys.revoke(Key.objects.get(account=revoked.id).pk)
        end = time.monotonic()
        until(
            lambda: all(sum(each.at > end for each in sent) >= ORDERS_AFTER for sent in (by_revoked, by_other)),
            "both customers go on ordering",
        )
    finally:
        is_over.set()
        for buyer in buyers:
            buyer.join()
    assert not [each for each in by_revoked if each.at > end and each.is_taken]
    assert all(each.is_taken for each in by_other)
    for customer, sent in ((revoked, by_revoked), (other, by_other)):
        assert Order.objects.filter(account=customer.id).count() == sum(each.is_taken for each in sent)
