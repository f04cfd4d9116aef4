"""action=orders: the newest orders of an account (protocol §3, extensions)."""

import re

import pytest

from tests.api.calling import LINK, call, order
from tests.conftest import Customer, Desk


def test_the_newest_orders_come_first_a_page_at_a_time(
    desk: Desk, alice: Customer, bob: Customer, service: int
) -> None:
    placed = [order(desk, alice, service) for _ in range(3)]
    order(desk, bob, service)
    listed = call(desk, alice, "orders")
    assert [each["order"] for each in listed] == placed[::-1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed[0].pop("created"))
    assert listed[0] == {
        "order": placed[2], "service": service, "link": LINK, "quantity": 100, "status": "Pending",
        "charge": "0.09", "start_count": "0", "remains": "100",
    }  # fmt: skip
    assert [each["order"] for each in call(desk, alice, "orders", limit=2)] == placed[:0:-1]
    assert [each["order"] for each in call(desk, alice, "orders", before=placed[1])] == placed[:1]


@pytest.mark.parametrize(
    ("parameters", "error"),
    [({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"limit": "x"}, "limit"), ({"before": "x"}, "before")],
)
def test_what_is_asked_for_must_make_sense(
    desk: Desk, alice: Customer, parameters: dict[str, object], error: str
) -> None:
    assert call(desk, alice, "orders", **parameters) == {"error": f"Incorrect {error}"}
    assert call(desk, "wrong", "orders", **parameters) == {"error": "Invalid API key"}
