"""A service that allows one active order a link gets one, however many requests come at the same time."""

from functools import partial

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, MakeService
from tests.races.concurrency import all_at_once
from tests.races.test_one_balance import orders_of, place_and_commit

BUYERS = 16
LINK_TAKEN = "You have active order with this link. Please wait until order being completed."


def test_of_many_who_order_for_one_link_one_is_served(
    connect: Connect, alice: Customer, make_service: MakeService
) -> None:
    service = make_service(one_order_per_link=True)
    connections = [connect() for _ in range(BUYERS)]
    answers = all_at_once([partial(place_and_commit, each, alice, service) for each in connections])

    assert answers.count(LINK_TAKEN) == BUYERS - 1
    assert orders_of(connections[0], alice) == [answer for answer in answers if isinstance(answer, int)]
