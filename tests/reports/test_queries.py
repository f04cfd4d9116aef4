"""Reports read the totals and the rows not booked yet, and are right at any moment."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from tests.builders import place, settle
from tests.conftest import Customer
from tests.reports.test_rollup import roll_up
from tradepost.engine.statuses import Status
from tradepost.reports import queries, top_rows
from tradepost.reports.measures import Span, SubjectKind
from tradepost.reports.periods import Period, Stretch, midnight
from tradepost.reports.queries import GroupBy, RowOrder

TODAY = datetime.now(UTC).date()
LATELY = Period(TODAY - timedelta(days=29), TODAY + timedelta(days=1))  # midnight may pass meanwhile


def charged(by: GroupBy, subject: int) -> tuple[int, Decimal, Decimal]:
    with queries.at_one_moment() as read:
        sums = read.of_subjects(by, LATELY, [subject])[subject]
        assert sums in [row.sums for row in read.rows(by, LATELY) if row.subject == subject]
    return sums.orders, sums.charged, sums.refunded


@pytest.mark.parametrize("rolled", ["before", "in between", "after", "never"])
def test_a_report_is_right_whatever_is_rolled_up(
    rolled: str, alice: Customer, make_service: Callable[..., int]
) -> None:
    service = make_service(rate=Decimal(1))
    if rolled == "before":
        roll_up()
    [first, _] = place(alice.id, service, 2)
    if rolled == "in between":
        roll_up()
    settle(first, status=Status.CANCELED)
    if rolled == "after":
        roll_up()
    assert charged(GroupBy.SERVICE, service) == (2, Decimal("0.2"), Decimal("0.1"))
    assert charged(GroupBy.ACCOUNT, alice.id) == (2, Decimal("0.2"), Decimal("0.1"))


def test_days_add_up_to_the_desk(alice: Customer, service: int) -> None:
    place(alice.id, service)
    with queries.at_one_moment() as read:
        days, total = read.rows(GroupBy.DAY, LATELY), read.total(LATELY)
    assert sum(row.sums.orders for row in days) == total.orders
    assert sum(row.sums.charged for row in days) == total.charged


def test_rows_come_in_the_order_asked_for(alice: Customer, bob: Customer, service: int) -> None:
    place(alice.id, service)
    place(bob.id, service, 2)
    with queries.at_one_moment() as read:
        for limit in (None, 10_000):
            most = read.rows(GroupBy.ACCOUNT, LATELY, RowOrder("revenue", descending=True, limit=limit))
            assert [row.subject for row in most if row.subject in {alice.id, bob.id}] == [bob.id, alice.id]
            assert [row.sums.revenue for row in most] == sorted((row.sums.revenue for row in most), reverse=True)
        [newest] = read.rows(GroupBy.ACCOUNT, LATELY, RowOrder("subject", descending=True, limit=1))
    assert newest.subject == bob.id


@pytest.mark.parametrize(
    "by", [GroupBy.DAY, GroupBy.SERVICE, GroupBy.CATEGORY, GroupBy.PROVIDER, GroupBy.OFFER, GroupBy.ACCOUNT]
)
def test_portions_are_the_same_rows_in_the_same_order(
    by: GroupBy, alice: Customer, bob: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "ROWS_A_PORTION", 2)
    for buyer in (alice, bob, alice):
        place(buyer.id, service)
    order = RowOrder("revenue", descending=True)
    with queries.at_one_moment() as read:
        rows = read.rows(by, LATELY, order)
        portions = read.portions(by, LATELY, order)
    place(bob.id, service)  # too late for them
    found = list(portions)
    assert [row for some in found for row in some] == rows
    assert all(len(some) == 2 for some in found[:-1])
    assert held_by_the_database() == 0


def test_what_is_not_read_to_the_end_is_held_no_longer(
    alice: Customer, bob: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "ROWS_A_PORTION", 1)
    place(alice.id, service)
    place(bob.id, service)
    with queries.at_one_moment() as read:
        portions = read.portions(GroupBy.ACCOUNT, LATELY, RowOrder())
    assert len(next(portions)) == 1
    assert held_by_the_database() == 1
    portions.close()
    assert held_by_the_database() == 0


def held_by_the_database() -> int:
    """Return how many cursors PostgreSQL holds for this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE 'portions%%' AND is_holdable", [])
        [held] = cursor.fetchone()
    return int(held)


def test_what_waits_in_large_numbers_is_left_out_and_said(
    alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll_up()
    monkeypatch.setattr(queries, "LIVE_ROWS_MAX", 0)
    place(alice.id, service)
    with queries.at_one_moment() as read:
        assert read.of_subjects(GroupBy.ACCOUNT, LATELY, [alice.id]) == {}
        assert not read.progress.is_live


def test_a_period_is_read_by_whole_years_and_months_where_it_can() -> None:
    def stretch(span: Span, first: date, before: date) -> Stretch:
        return Stretch(span, midnight(first), midnight(before))

    later = date(2030, 1, 1)
    assert Period(date(2024, 12, 30), date(2027, 3, 1)).stretches(later) == [
        stretch(Span.DAY, date(2024, 12, 30), date(2025, 1, 1)),
        stretch(Span.YEAR, date(2025, 1, 1), date(2027, 1, 1)),
        stretch(Span.MONTH, date(2027, 1, 1), date(2027, 3, 1)),
        stretch(Span.DAY, date(2027, 3, 1), date(2027, 3, 2)),
    ]
    february = Period(date(2026, 2, 1), date(2026, 2, 28))
    assert february.stretches(later) == [stretch(Span.MONTH, date(2026, 2, 1), date(2026, 3, 1))]
    assert Period(date(2026, 2, 2), date(2026, 3, 30)).stretches(later) == [
        stretch(Span.DAY, date(2026, 2, 2), date(2026, 3, 31))
    ]


def test_a_month_that_is_not_over_is_whole_if_the_period_goes_on_to_today() -> None:
    today = date(2026, 11, 25)
    [days, months] = Period(date(2026, 10, 27), today).stretches(today)
    assert (days.span, len(days.starts())) == (Span.DAY, 5)
    assert (months.span, months.starts()) == (Span.MONTH, [midnight(date(2026, 11, 1)), midnight(date(2026, 12, 1))])
    [year] = Period(date(2026, 1, 1), today).stretches(today)
    assert (year.span, year.starts()) == (Span.YEAR, [midnight(date(2026, 1, 1))])
    [same_days] = Period(date(2026, 11, 2), today).stretches(today + timedelta(days=1))
    assert same_days.span is Span.DAY


def test_the_period_before_is_as_long() -> None:
    assert Period(date(2026, 3, 1), date(2026, 3, 31)).before == Period(date(2026, 1, 29), date(2026, 2, 28))


def test_most_of_a_month_is_the_month_less_its_other_days() -> None:
    today = date(2031, 7, 9)
    chance = random.Random(3)
    for _ in range(300):
        first = date(2029, 1, 1) + timedelta(days=chance.randrange(900))
        period = Period(first, min(first + timedelta(days=chance.randrange(500)), today))
        counted: Counter[date] = Counter()
        for stretch in period.fewest_stretches(today):
            days = Period(stretch.start.date(), stretch.end.date() - timedelta(days=1)).dates()
            counted.update(dict.fromkeys(days, -1 if stretch.is_subtracted else 1))
        assert {day for day in counted if counted[day] == 1 and day <= today} == set(period.dates())
        assert set(counted.values()) <= {0, 1}
        assert all(
            len(stretch.starts()) <= 19 for stretch in period.fewest_stretches(today) if stretch.span is Span.DAY
        )


@pytest.mark.usefixtures("long_ago")
def test_what_was_on_the_days_taken_off_only_is_not_in_the_sums() -> None:
    month = Period(date(1992, 2, 4), date(1992, 2, 29))
    with connection.cursor() as cursor:
        cursor.execute("""
            INSERT INTO reports_total (kind, span, start, subject, charged, refunded, cost)
            SELECT kind, 2, '1992-02-01Z', subject, sum(charged), sum(refunded), sum(cost) FROM reports_total
            WHERE span = 1 AND start < '1995-01-01Z' GROUP BY kind, subject
        """)
    with queries.at_one_moment() as read:
        assert any(stretch.is_subtracted for stretch in month.fewest_stretches(TODAY))
        assert read.of_subjects(GroupBy.ACCOUNT, month, range(-40, 0)) == {}
        assert read.of_subjects(GroupBy.ACCOUNT, Period(date(1992, 2, 1), month.last), range(-40, 0)) != {}
        assert read.rows(GroupBy.ACCOUNT, month, RowOrder("charged", limit=5)) == []


@pytest.fixture
def long_ago() -> Iterator[Period]:
    """Totals of forty made-up accounts, in days, a month and years of the past."""
    chance = random.Random(7)
    rows: list[tuple[int | datetime | Decimal, ...]] = []
    for span, start in (
        (Span.YEAR, date(1991, 1, 1)),
        (Span.MONTH, date(1992, 1, 1)),
        *((Span.DAY, date(1992, 2, day)) for day in (1, 2, 3)),
    ):
        for account in chance.sample(range(1, 41), 30):
            charged = chance.choice([Decimal(0), Decimal(1), Decimal(chance.randint(0, 900)) / account])
            others = (chance.choice([0, 0, 5]), chance.choice([-3, 0, 2]))
            rows.append((SubjectKind.ACCOUNT, span, midnight(start), -account, charged, *others))
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO reports_total (kind, span, start, subject, charged, refunded, cost)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            """,
            rows,
        )
    yield Period(date(1991, 1, 1), date(1992, 2, 3))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM reports_total WHERE start < '1995-01-01Z'")


@pytest.mark.parametrize("column", top_rows.COLUMNS)
@pytest.mark.parametrize("extra_rows", [0, 5, 100])
def test_the_first_rows_are_the_same_from_heads_and_from_all_sums(
    column: str, extra_rows: int, long_ago: Period, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top_rows, "EXTRA_ROWS", extra_rows)
    with queries.at_one_moment() as read:
        every = read.rows(GroupBy.ACCOUNT, long_ago, RowOrder(column, descending=True))
        for offset in range(0, len(every) + 2, 3):
            for limit in (1, 4, 50):
                order = RowOrder(column, descending=True, limit=limit, offset=offset)
                assert read.rows(GroupBy.ACCOUNT, long_ago, order) == every[offset : offset + limit]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("column", [column for column in queries.COLUMNS if column != "subject"])
@pytest.mark.parametrize("largest", [Decimal("0.00001"), Decimal(10) ** 14])
def test_rows_are_sorted_to_the_last_digit_however_much_they_come_to(
    column: str, descending: bool, largest: Decimal, long_ago: Period
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reports_total SET cost = charged + %s WHERE start < '1995-01-01Z'", [largest])
    with queries.at_one_moment() as read:
        every = read.rows(GroupBy.ACCOUNT, long_ago, RowOrder(column, descending=descending))
        assert (
            read.rows(GroupBy.ACCOUNT, long_ago, RowOrder(column, descending=descending, limit=12, offset=2))
            == every[2:14]
        )


def test_heads_tell_who_comes_first_unless_sales_are_spread_evenly() -> None:
    assert top_rows.top_subjects([(1, Decimal(9), Decimal(8)), (2, Decimal(8), Decimal(7))], 2) == [1, 2]
    assert top_rows.top_subjects([(1, Decimal(9), Decimal(8)), (2, Decimal(8), Decimal(8))], 2) is None
    assert top_rows.top_subjects([(1, Decimal(9), Decimal(8))], 2) is None
    assert top_rows.top_subjects([(1, Decimal(9), None)], 2) == [1]
    assert top_rows.top_subjects([], 2) == []
    long = [Stretch(Span.DAY, midnight(date(1991, 1, 1)), midnight(date(1992, 1, 1)))]
    assert top_rows.depth(1, long) is None
