"""The totals: every row of the business is in them once, whatever happens when."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection
from django.db import transaction

from tests.builders import place, settle
from tests.conftest import Customer
from tests.reports.random_history import make_history
from tests.waiting import until
from tradepost.engine.statuses import ACTIVE, Status
from tradepost.ledger import operations
from tradepost.ledger.models import Transfer
from tradepost.reports import rollup
from tradepost.reports.bookings import TABLES
from tradepost.reports.measures import Span, SubjectKind
from tradepost.reports.models import Total, Watermark

type Sums = dict[tuple[Any, ...], tuple[Decimal, ...]]

# Plain counts of what the tables hold up to the watermarks, with nothing of the code that keeps the totals.
ORDERED = """
SELECT date_trunc('day', o.created_at, 'UTC'), o.service_id, o.account_id, count(*), sum(o.quantity)
FROM orders_order o JOIN accounts_account a ON a.id = o.account_id
WHERE o.parent_id IS NULL AND a.test_of_id IS NULL
  AND o.id <= (SELECT position FROM reports_watermark WHERE "table" = 'orders_order')
GROUP BY 1, 2, 3
"""
MOVED = """
SELECT date_trunc('day', t.at, 'UTC'), o.service_id, o.account_id,
       sum(CASE WHEN t.credit_id = 1 THEN t.amount ELSE 0 END), sum(CASE WHEN t.debit_id = 1 THEN t.amount ELSE 0 END)
FROM ledger_transfer t JOIN orders_order o ON o.id = t.order_id
WHERE 1 IN (t.credit_id, t.debit_id)
  AND t.id <= (SELECT position FROM reports_watermark WHERE "table" = 'ledger_transfer')
GROUP BY 1, 2, 3
"""
COST = """
SELECT coalesce(sum(CASE WHEN o.status = ANY(%s) THEN a.cost_expected ELSE coalesce(a.cost, a.cost_expected) END), 0)
FROM orders_attempt a JOIN orders_order o ON o.id = a.order_id
WHERE o.dispatch = 'sent' AND a.state = 'sent' AND a.provider_id = %s
"""


def counted(query: str) -> Sums:
    """Count plainly by day, service and account."""
    with django_connection.cursor() as cursor:
        cursor.execute(query)
        return {tuple(row[:3]): tuple(map(Decimal, row[3:])) for row in cursor.fetchall()}


def booked(kind: SubjectKind, *measures: str) -> Sums:
    """Return what the totals have by day and subject."""
    rows = Total.objects.filter(kind=kind, span=Span.DAY).values_list("start", "subject", *measures)
    return {tuple(row[:2]): sums for row in rows if any(sums := tuple(map(Decimal, row[2:])))}


def by(sums: Sums, index: int) -> Sums:
    """Add sums up by day and service (1) or account (2)."""
    added: Sums = {}
    for key, values in sums.items():
        subject = (key[0], key[index])
        so_far = added.get(subject, (Decimal(0),) * len(values))
        added[subject] = tuple(a + b for a, b in zip(so_far, values, strict=True))
    return {subject: values for subject, values in added.items() if any(values)}


def roll_up(rows_max: int = rollup.ROWS_A_TABLE_MAX) -> None:
    newest = until(rollup.settled_positions, "what was under way is over")
    while rollup.roll_up(newest, rows_max=rows_max):
        pass


def assert_exact() -> None:
    """Hold the totals against plain counts, on one state of the database."""
    with transaction.atomic():
        django_connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for query, measures in ((ORDERED, ("orders", "quantity")), (MOVED, ("charged", "refunded"))):
            sums = counted(query)
            assert booked(SubjectKind.SERVICE, *measures) == by(sums, 1)
            assert booked(SubjectKind.ACCOUNT, *measures) == by(sums, 2)


@pytest.mark.parametrize("seed", range(3))
def test_totals_equal_a_plain_count_after_any_history(
    seed: int, alice: Customer, bob: Customer, make_service: Callable[..., int]
) -> None:
    chance = random.Random(seed)
    provider = make_history(chance, [alice, bob], make_service, lambda: roll_up(chance.choice([1, 3, 1_000])))
    roll_up()
    assert_exact()
    with django_connection.cursor() as cursor:
        cursor.execute(COST, [list(ACTIVE), provider])
        [cost] = cursor.fetchall()[0]
    booked_cost = sum(
        Total.objects.filter(kind=SubjectKind.PROVIDER, span=Span.DAY, subject=provider).values_list("cost", flat=True)
    )
    assert booked_cost == cost
    assert operations.check() == []


def test_what_is_booked_anew_is_what_was_booked(alice: Customer, service: int) -> None:
    orders = place(alice.id, service, 3)
    settle(orders[0], status=Status.CANCELED)
    roll_up()
    rollup.reset()
    assert not Total.objects.exists()
    roll_up(rows_max=7)
    assert_exact()


def test_a_step_goes_over_the_same_time_in_all_tables(alice: Customer, service: int) -> None:
    roll_up()
    before = rollup.positions()
    for _ in range(4):
        settle(place(alice.id, service)[0], status=Status.CANCELED)
    newest = until(rollup.settled_positions, "what was under way is over")
    assert rollup.roll_up(newest, rows_max=3)
    booked = rollup.positions()
    assert before["ledger_transfer"] < booked["ledger_transfer"] < newest["ledger_transfer"]
    [moment] = Transfer.objects.filter(pk=booked["ledger_transfer"]).values_list("at", flat=True)
    with django_connection.cursor() as cursor:
        for table, time in TABLES.items():
            cursor.execute(
                f"SELECT id FROM {table} WHERE id > %s AND (id <= %s) <> ({time} <= %s)",
                [before[table], booked[table], moment],
            )
            assert cursor.fetchall() == []
    roll_up(rows_max=3)
    assert_exact()


def test_a_transaction_that_commits_late_is_not_passed_over(
    alice: Customer,
    bob: Customer,
    service: int,
    connect: Callable[[], psycopg.Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rollup, "WAIT_SECONDS_MAX", 0)
    late = connect()
    late.execute(
        "INSERT INTO orders_order (account_id, service_id, mode, link, quantity, remains, rate, charge)"
        " VALUES (%s, %s, 'api', '', 10, 10, 0, 0)",
        [alice.id, service],
    )
    place(bob.id, service)
    assert rollup.settled_positions() is None
    late.commit()
    roll_up()
    assert_exact()


def test_a_roll_up_that_is_killed_has_booked_nothing(
    alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(alice.id, service)
    before = list(Watermark.objects.order_by("table").values_list("position", flat=True))
    monkeypatch.setattr(rollup, "_MOVE_ON", "SELECT 1 / 0 + %s, %s")
    with pytest.raises(Exception, match="division by zero"):
        roll_up()
    monkeypatch.undo()
    assert list(Watermark.objects.order_by("table").values_list("position", flat=True)) >= before
    assert not Total.objects.filter(kind=SubjectKind.ACCOUNT, subject=alice.id).exists()
    roll_up()
    assert_exact()
