"""Calls the API of a desk."""

from typing import Any

from tests import asking
from tests.conftest import Customer, Desk

LINK = "https://pixelpond.example/alice"


def call(desk: Desk, customer: Customer | str, action: str, **parameters: Any) -> Any:
    """Post an action as a form, and return the JSON of the answer."""
    key = customer if isinstance(customer, str) else customer.key
    response = asking.post(desk.api_url, data={"key": key, "action": action, **parameters})
    assert response.status_code == 200
    return response.json()


def order(desk: Desk, customer: Customer, service: int, **parameters: Any) -> int:
    """Place an order and return its id."""
    placed = call(desk, customer, "add", service=service, **{"link": LINK, "quantity": 100, **parameters})
    assert placed.keys() == {"order"}, placed
    return int(placed["order"])
