"""Retries that can't order twice: idempotency keys under load and over time, and duplicate windows."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from tests import asking
from tests.api.api_calls import LINK, call, order
from tests.conftest import Customer, Desk
from tests.waiting import HANG_SECONDS
from tradepost.accounts.models import Account
from tradepost.engine import idempotency
from tradepost.orders.models import IdempotencyKey, Order


def orders_of(customer: Customer) -> list[int]:
    """List the orders of an account."""
    return list(Order.objects.filter(account=customer.id).order_by("id").values_list("id", flat=True))


def test_keys_are_forgotten_after_30_days(
    desk: Desk, alice: Customer, service: int, connection: psycopg.Connection
) -> None:
    for name in ("old", "young"):
        order(desk, alice, service, idempotency_key=name)
    connection.execute(
        "UPDATE orders_idempotencykey SET created_at = now() - interval '30 days 1 minute' "
        "WHERE account_id = %s AND key = 'old'",
        [alice.id],
    )
    assert idempotency.delete_expired_keys(connection) >= 1
    connection.commit()
    assert list(IdempotencyKey.objects.filter(account=alice.id).values_list("key", flat=True)) == ["young"]


def test_500_retries_of_50_orders_half_of_them_cut_off_make_50_orders(
    desk: Desk, make_customer: Any, service: int
) -> None:
    customer = make_customer("1000")
    barrier = threading.Barrier(20)

    def retry(worker: int) -> None:
        barrier.wait(HANG_SECONDS)
        for number in range(25):
            name = (worker * 25 + number) % 50
            asked = {
                "key": customer.key, "action": "add", "service": service, "quantity": 100,
                "link": f"{LINK}/{name}", "idempotency_key": f"retry-{name}",
            }  # fmt: skip
            if number % 2:
                send_and_hang_up(desk, asked)
            else:
                assert asking.post(desk.api_url, data=asked).json().keys() == {"order"}

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(retry, range(20)))
    call(desk, customer, "add", service=service, link=f"{LINK}/0", quantity=100, idempotency_key="retry-0")
    assert len(orders_of(customer)) == 50
    assert call(desk, customer, "balance")["balance"] == "995.50"


def send_and_hang_up(desk: Desk, asked: dict[str, Any]) -> None:
    """Send a request whole and close the connection before it can be answered."""
    import socket
    from urllib.parse import urlencode, urlsplit

    parts = urlsplit(desk.api_url)
    body = urlencode(asked)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as connection:
        connection.sendall(
            f"POST /api/v2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )


def test_within_its_window_a_duplicate_is_the_first_order(desk: Desk, alice: Customer, service: int) -> None:
    Account.objects.filter(pk=alice.id).update(duplicate_window_seconds=60)
    first = order(desk, alice, service)
    assert order(desk, alice, service) == first
    assert order(desk, alice, service, quantity=101) != first
    assert order(desk, alice, service, link=LINK + "/2") != first
    assert len(orders_of(alice)) == 3


def test_after_its_window_and_without_one_it_is_a_new_order(
    desk: Desk, alice: Customer, bob: Customer, service: int, connection: psycopg.Connection
) -> None:
    Account.objects.filter(pk=alice.id).update(duplicate_window_seconds=60)
    first = order(desk, alice, service)
    connection.execute("UPDATE orders_order SET created_at = created_at - interval '61 s' WHERE id = %s", [first])
    connection.commit()
    assert order(desk, alice, service) != first
    assert order(desk, bob, service) != order(desk, bob, service)


def test_duplicates_at_the_same_moment_are_one_order(desk: Desk, alice: Customer, service: int) -> None:
    Account.objects.filter(pk=alice.id).update(duplicate_window_seconds=60)
    with ThreadPoolExecutor(16) as pool:
        placed = set(pool.map(lambda _: order(desk, alice, service), range(64)))
    assert len(placed) == 1
    assert orders_of(alice) == list(placed)
