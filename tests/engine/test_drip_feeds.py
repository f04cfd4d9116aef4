"""Drip-feeds: runs made when they are due, each for its share, and what becomes of the whole."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Customer
from tests.engine.engine_calls import MakeService, ask, balance, place_one, transfers, value
from tradepost.engine import books_check, child_orders
from tradepost.engine.drip_feeds import make_due
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import Status

INTERVAL = 60


@pytest.fixture
def fed(make_service: MakeService) -> int:
    """A service with drip-feed: 1.00 for 1,000."""
    return make_service(dripfeed=True, rate=Decimal(1))


@pytest.fixture
def dripfeed(connection: psycopg.Connection, alice: Customer, fed: int) -> Iterator[int]:
    """A drip-feed of Alice's: three runs of 100, an hour apart, for 0.30. Whatever comes of it, the books are clean."""
    yield place_one(connection, ask(alice, fed, quantity=100, runs=3, interval=INTERVAL)).order
    assert list(books_check.check(connection)) == []


def runs_of(connection: psycopg.Connection, dripfeed: int) -> list[int]:
    query = "SELECT id FROM orders_order WHERE parent_id = %s ORDER BY part"
    return [id_ for (id_,) in connection.execute(query, [dripfeed])]


def standing(connection: psycopg.Connection, order: int) -> tuple[object, ...]:
    """Return status, remains, charge and what was given back."""
    query = "SELECT status, remains, charge, refunded FROM orders_order WHERE id = %s"
    [found] = connection.execute(query, [order]).fetchall()
    return found


def minutes_to_next(connection: psycopg.Connection, dripfeed: int) -> int | None:
    """Return how long it is to the next run, in minutes; None if there is none to come."""
    due = "SELECT round(extract(epoch FROM due_at - now()) / 60)::int FROM orders_dripfeed WHERE order_id = %s"
    found: int | None = value(connection, due, dripfeed)
    return found


def let_pass(connection: psycopg.Connection, dripfeed: int, minutes: int) -> None:
    """Turn the clock of a drip-feed on."""
    query = "UPDATE orders_dripfeed SET due_at = due_at - make_interval(mins => %s) WHERE order_id = %s"
    connection.execute(query, [minutes, dripfeed])


def make_all(connection: psycopg.Connection, dripfeed: int) -> Sequence[int]:
    """Make every run of a drip-feed, one after the other."""
    make_due(connection)
    while minutes_to_next(connection, dripfeed) is not None:
        let_pass(connection, dripfeed, INTERVAL)
        make_due(connection)
    return runs_of(connection, dripfeed)


def test_it_is_charged_in_full_and_waits_for_its_first_run(
    connection: psycopg.Connection, alice: Customer, dripfeed: int
) -> None:
    assert balance(connection, alice) == Decimal("99.7")
    assert standing(connection, dripfeed) == (Status.PENDING, 300, Decimal("0.3"), 0)
    assert runs_of(connection, dripfeed) == []


def test_the_first_run_is_made_at_once_and_each_other_one_when_it_is_due(
    connection: psycopg.Connection, dripfeed: int
) -> None:
    make_due(connection)
    make_due(connection)
    [first] = runs_of(connection, dripfeed)

    assert standing(connection, first) == (Status.PENDING, 100, Decimal("0.1"), 0)
    assert standing(connection, dripfeed)[0] == Status.IN_PROGRESS
    assert minutes_to_next(connection, dripfeed) == INTERVAL
    let_pass(connection, dripfeed, INTERVAL - 1)
    make_due(connection)
    assert len(runs_of(connection, dripfeed)) == 1
    let_pass(connection, dripfeed, 1)
    make_due(connection)
    assert len(runs_of(connection, dripfeed)) == 2


def test_a_run_is_like_its_drip_feed_and_costs_nothing_more(
    connection: psycopg.Connection, alice: Customer, dripfeed: int
) -> None:
    [first, *_] = make_all(connection, dripfeed)
    query = "SELECT account_id, service_id, key_id, link, rate, fields FROM orders_order WHERE id = %s"

    assert connection.execute(query, [first]).fetchone() == connection.execute(query, [dripfeed]).fetchone()
    assert value(connection, "SELECT mode FROM orders_order WHERE id = %s", first) == "drip"
    assert transfers(connection, first) == []
    assert balance(connection, alice) == Decimal("99.7")


def test_a_run_takes_the_parameters_of_its_type_along(
    connection: psycopg.Connection, alice: Customer, make_service: MakeService
) -> None:
    traffic = {"country": "DE", "device": "1", "type_of_traffic": "3"}
    service = make_service(type="Web Traffic", dripfeed=True)
    dripfeed = place_one(connection, ask(alice, service, runs=2, interval=5, **traffic)).order
    make_due(connection)
    [run] = runs_of(connection, dripfeed)

    assert value(connection, "SELECT fields FROM orders_order WHERE id = %s", run) == traffic


def test_missed_runs_are_made_one_by_one_at_their_interval(connection: psycopg.Connection, dripfeed: int) -> None:
    make_due(connection)
    let_pass(connection, dripfeed, 10 * INTERVAL)
    make_due(connection)
    make_due(connection)

    assert len(runs_of(connection, dripfeed)) == 2
    assert minutes_to_next(connection, dripfeed) == INTERVAL


def test_a_run_a_moment_late_does_not_shift_the_next(connection: psycopg.Connection, dripfeed: int) -> None:
    make_due(connection)
    let_pass(connection, dripfeed, INTERVAL)
    connection.execute("UPDATE orders_dripfeed SET due_at = due_at - interval '30 s' WHERE order_id = %s", [dripfeed])
    before = value(connection, "SELECT due_at FROM orders_dripfeed WHERE order_id = %s", dripfeed)
    make_due(connection)

    after = value(connection, "SELECT due_at FROM orders_dripfeed WHERE order_id = %s", dripfeed)
    assert (after - before).total_seconds() == INTERVAL * 60


def test_it_is_completed_with_its_last_run(connection: psycopg.Connection, alice: Customer, dripfeed: int) -> None:
    runs = make_all(connection, dripfeed)
    for run in runs:
        assert standing(connection, dripfeed)[0] == Status.IN_PROGRESS
        settle(connection, [Report(run, Status.COMPLETED)], actor="test")

    assert standing(connection, dripfeed) == (Status.COMPLETED, 0, Decimal("0.3"), 0)
    assert balance(connection, alice) == Decimal("99.7")


def test_what_is_delivered_counts_for_the_whole(connection: psycopg.Connection, dripfeed: int) -> None:
    make_due(connection)
    [first] = runs_of(connection, dripfeed)
    settle(connection, [Report(first, Status.IN_PROGRESS, start_count=7, remains=40)], actor="test")

    assert standing(connection, dripfeed)[1] == 240
    assert value(connection, "SELECT start_count FROM orders_order WHERE id = %s", dripfeed) == 7


def test_a_partial_run_gives_back_its_share_once_and_makes_the_whole_partial(
    connection: psycopg.Connection, alice: Customer, dripfeed: int
) -> None:
    first, second, third = make_all(connection, dripfeed)
    reports = [Report(first, Status.COMPLETED), Report(second, Status.PARTIAL, remains=25)]
    settle(connection, [*reports, Report(third, Status.COMPLETED)], actor="test")
    settle(connection, [Report(second, Status.PARTIAL, remains=25)], actor="test")

    assert standing(connection, second) == (Status.PARTIAL, 25, Decimal("0.1"), Decimal("0.025"))
    assert standing(connection, dripfeed) == (Status.PARTIAL, 25, Decimal("0.3"), Decimal("0.025"))
    assert transfers(connection, dripfeed) == [("charge", Decimal("0.3")), ("partial", Decimal("0.025"))]
    assert balance(connection, alice) == Decimal("99.725")


def test_a_completed_run_may_still_turn_out_void(connection: psycopg.Connection, dripfeed: int) -> None:
    runs = make_all(connection, dripfeed)
    settle(connection, [Report(run, Status.COMPLETED) for run in runs], actor="test")
    settle(connection, [Report(runs[1], Status.PARTIAL, remains=50)], actor="test")
    settle(connection, [Report(runs[1], Status.CANCELED)], actor="test")

    assert standing(connection, dripfeed) == (Status.PARTIAL, 50, Decimal("0.3"), Decimal("0.1"))


def test_it_is_canceled_when_every_run_is(connection: psycopg.Connection, alice: Customer, dripfeed: int) -> None:
    settle(connection, [Report(run, Status.CANCELED) for run in make_all(connection, dripfeed)], actor="test")

    assert standing(connection, dripfeed) == (Status.CANCELED, 300, Decimal("0.3"), Decimal("0.3"))
    assert balance(connection, alice) == 100


def test_stopped_before_its_first_run_it_is_canceled_and_given_back_whole(
    connection: psycopg.Connection, alice: Customer, dripfeed: int
) -> None:
    assert settle(connection, [Report(dripfeed, Status.CANCELED)], actor="test") == [SettleResult.SETTLED]
    make_due(connection)

    assert runs_of(connection, dripfeed) == []
    assert standing(connection, dripfeed) == (Status.CANCELED, 300, Decimal("0.3"), Decimal("0.3"))
    assert transfers(connection, dripfeed)[1:] == [("unused", Decimal("0.3"))]
    assert balance(connection, alice) == 100


def test_stopped_midway_its_run_under_way_goes_on_and_the_others_are_given_back(
    connection: psycopg.Connection, alice: Customer, dripfeed: int
) -> None:
    make_due(connection)
    [first] = runs_of(connection, dripfeed)
    settle(connection, [Report(first, Status.IN_PROGRESS)], actor="test")
    stop = Report(dripfeed, Status.CANCELED)
    assert settle(connection, [stop, stop], actor="test") == [SettleResult.SETTLED, SettleResult.UNCHANGED]

    assert standing(connection, dripfeed) == (Status.IN_PROGRESS, 300, Decimal("0.3"), Decimal("0.2"))
    settle(connection, [Report(first, Status.COMPLETED)], actor="test")
    assert standing(connection, dripfeed) == (Status.PARTIAL, 200, Decimal("0.3"), Decimal("0.2"))
    assert balance(connection, alice) == Decimal("99.9")


def test_stopped_midway_a_run_nobody_has_begun_is_canceled_with_it(
    connection: psycopg.Connection, alice: Customer, dripfeed: int
) -> None:
    make_due(connection)
    settle(connection, [Report(dripfeed, Status.CANCELED)], actor="test")

    [first] = runs_of(connection, dripfeed)
    assert standing(connection, first) == (Status.CANCELED, 100, Decimal("0.1"), Decimal("0.1"))
    assert standing(connection, dripfeed)[0] == Status.CANCELED
    assert balance(connection, alice) == 100


def test_with_its_last_run_under_way_there_is_nothing_left_to_stop(
    connection: psycopg.Connection, dripfeed: int
) -> None:
    runs = make_all(connection, dripfeed)
    settle(connection, [Report(run, Status.IN_PROGRESS) for run in runs], actor="test")

    assert settle(connection, [Report(dripfeed, Status.CANCELED)], actor="test") == [SettleResult.UNCHANGED]
    settle(connection, [Report(run, Status.COMPLETED) for run in runs], actor="test")
    assert settle(connection, [Report(dripfeed, Status.CANCELED)], actor="test") == [SettleResult.NOT_ALLOWED]


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.COMPLETED, Status.PARTIAL, Status.PAUSED])
def test_where_it_stands_is_its_runs_to_tell(connection: psycopg.Connection, dripfeed: int, status: Status) -> None:
    assert settle(connection, [Report(dripfeed, status)], actor="test") == [SettleResult.NOT_ALLOWED]
    assert standing(connection, dripfeed) == (Status.PENDING, 300, Decimal("0.3"), 0)


def test_its_moves_are_written_down(connection: psycopg.Connection, dripfeed: int) -> None:
    runs = make_all(connection, dripfeed)
    settle(connection, [Report(run, Status.COMPLETED) for run in runs], actor="test")
    query = "SELECT actor, from_status, to_status FROM orders_orderevent WHERE order_id = %s ORDER BY id"

    assert connection.execute(query, [dripfeed]).fetchall() == [
        ("drip-feed", "Pending", "In progress"),
        ("test", "In progress", "Completed"),
    ]


@given(charge=st.integers(1, 10**9), runs=st.integers(2, 1000), made=st.integers(0, 1000))
def test_shares_add_up_to_the_charge(charge: int, runs: int, made: int) -> None:
    amount, made = Decimal(charge).scaleb(-5), min(made, runs)
    shares = [child_orders.share(amount, part, runs) for part in range(1, made + 1)]

    assert sum(shares, Decimal(0)) + child_orders.unused(amount, made, runs) == amount
    assert all(share >= 0 for share in shares)
