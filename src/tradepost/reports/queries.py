"""Read the totals: the sums of a period, by day or by subject, up to this moment.

Rows that are not booked in the totals yet are read from the tables themselves, in the same snapshot of the database: no
row is missing, and none is counted twice. If more than `LIVE_ROWS_MAX` rows wait, as while an old database is being
booked, they are left out, and `progress` says so.
"""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from itertools import count
from typing import Any

import msgspec
from django.db import DataError, connection, transaction

from tradepost.reports import top_rows
from tradepost.reports.bookings import BOOKINGS, SUBJECTS, TABLES
from tradepost.reports.measures import AMOUNTS, MEASURES, Span, SubjectKind
from tradepost.reports.periods import Period, Stretch, midnight

LIVE_ROWS_MAX = 30_000
ROWS_A_PORTION = 2_000
MEMORY = "64MB"  # `work_mem` of a report, so that sums of a hundred thousand accounts need no file
ZERO = Decimal(0)
UNITS = 100_000  # smallest units in an amount of 1


class Sums(msgspec.Struct, frozen=True):
    orders: int = 0
    quantity: Decimal = ZERO
    charged: Decimal = ZERO
    refunded: Decimal = ZERO
    cost: Decimal = ZERO
    completed: int = 0
    partial: int = 0
    canceled: int = 0
    refills: int = 0
    refused: int = 0
    unsure: int = 0

    @property
    def revenue(self) -> Decimal:
        return self.charged - self.refunded

    @property
    def profit(self) -> Decimal:
        return self.revenue - self.cost


class Row(msgspec.Struct, frozen=True):
    """The sums of one subject: an id, or a day."""

    subject: Any
    sums: Sums


class GroupBy(StrEnum):
    """What each row of a report is about."""

    DAY = "day"
    SERVICE = "service"
    CATEGORY = "category"
    PROVIDER = "provider"
    OFFER = "offer"
    ACCOUNT = "account"


class RowOrder(msgspec.Struct, frozen=True):
    """How to sort rows, and which of them to return."""

    column: str = "subject"
    descending: bool = False
    limit: int | None = None
    offset: int = 0


class Progress(msgspec.Struct, frozen=True):
    """How many rows are booked in the totals, and how many wait to be booked."""

    booked: int
    waiting: int

    @property
    def is_live(self) -> bool:
        """Return whether reports are up to date: so few rows wait that reports include them."""
        return self.waiting <= LIVE_ROWS_MAX

    @property
    def percent(self) -> int:
        return 100 * self.booked // max(self.booked + self.waiting, 1)


# What rows can be sorted by.
COLUMNS = {
    "subject": "subject",
    **{name: f"sum({name})" for name in MEASURES},
    "revenue": "sum(charged - refunded)",
    "profit": "sum(charged - refunded - cost)",
}

# The same sums in whole numbers, with amounts in hundred-thousandths (their exact unit). This is much faster.
_UNITS = {
    "subject": "subject",
    **{name: f"reports_bigint_sum(({name} * {UNITS if name in AMOUNTS else 1})::bigint)" for name in MEASURES},
    "revenue": f"reports_bigint_sum(((charged - refunded) * {UNITS})::bigint)",
    "profit": f"reports_bigint_sum(((charged - refunded - cost) * {UNITS})::bigint)",
}

_KINDS = {
    GroupBy.DAY: SubjectKind.DESK,
    GroupBy.SERVICE: SubjectKind.SERVICE,
    GroupBy.CATEGORY: SubjectKind.SERVICE,
    GroupBy.PROVIDER: SubjectKind.PROVIDER,
    GroupBy.OFFER: SubjectKind.OFFER,
    GroupBy.ACCOUNT: SubjectKind.ACCOUNT,
}

_SUMMED = {Decimal: "coalesce(sum({name}), 0)", int: "coalesce(sum({name}), 0)::bigint"}
_SUM = {field.name: _SUMMED[field.type].format(name=field.name) for field in msgspec.structs.fields(Sums)}
_SUMS = ", ".join(_SUM.values())
_NAMED_SUMS = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in MEASURES)
_MEASURES = ", ".join(MEASURES)
_LESS = ", ".join(f"-{name} AS {name}" for name in MEASURES)
_ANYTHING = " OR ".join(f"sum({name}) <> 0" for name in MEASURES)
_LIVE_COLUMNS = ("start", "subject", *MEASURES)

_KEPT = """
SELECT start AS at, subject, {measures} FROM reports_total
WHERE kind = %(kind)s AND span = {span} AND start >= %(start_{number})s AND start < %(end_{number})s
"""

# For some subjects only: each total is looked up by its key.
_KEPT_OF_SOME = """
SELECT start AS at, subject, {measures} FROM reports_total
WHERE kind = %(kind)s AND span = {span} AND start = ANY(%(starts_{number})s) AND subject = ANY({subjects})
"""

_MARKS = f"""
SELECT "table", position, coalesce(newest, 0) FROM reports_watermark
JOIN (VALUES {", ".join(f"('{table}', (SELECT max(id) FROM {table}))" for table in TABLES)}) AS newest ("table", newest)
USING ("table")
"""

# The rows not booked yet, summed by day and subject like the totals.
_NEW = f"""
{BOOKINGS}
SELECT kind, date_trunc('day', at, 'UTC'), subject, {_NAMED_SUMS} FROM booking CROSS JOIN LATERAL {SUBJECTS}
WHERE subject IS NOT NULL GROUP BY 1, 2, 3
"""
_LIVE = f"SELECT start AS at, subject, {_MEASURES} FROM json_populate_recordset(NULL::reports_total, %(live)s::json)"
_BY_CATEGORY = """
SELECT category_id, {sums} FROM found JOIN catalog_service s ON s.id = found.subject
GROUP BY category_id HAVING {anything}
"""
_OF_PROVIDER = "found WHERE subject IN (SELECT id FROM providers_providerservice WHERE provider_id = %(provider)s)"

_cursor_numbers = count(1)


class ReportReader:
    """Answers any number of queries from one snapshot of the database. Use it within `at_one_moment`."""

    @cached_property
    def progress(self) -> Progress:
        booked = sum(position for _, position, _ in self._marks)
        return Progress(booked, sum(max(newest - position, 0) for _, position, newest in self._marks))

    @cached_property
    def _marks(self) -> list[tuple[str, int, int]]:
        """Each table with the id of its last booked row and of its newest row."""
        return _fetch(_MARKS, None)

    @cached_property
    def _live(self) -> list[tuple[Any, ...]]:
        if not 0 < self.progress.waiting <= LIVE_ROWS_MAX:
            return []
        # The ids are passed as values, not read by a subquery: so the planner knows how few rows follow them.
        rows = {f"{table}_after": position for table, position, _ in self._marks}
        return _fetch(_NEW, rows | {f"{table}_until": newest for table, _, newest in self._marks})

    def rows(
        self, by: GroupBy, period: Period, order: RowOrder | None = None, *, of_provider: int | None = None
    ) -> list[Row]:
        """Return the sums of a period by day or subject. `of_provider` limits offers to those of one provider."""
        order = order or RowOrder()
        if by in {GroupBy.DAY, GroupBy.CATEGORY} or order.limit is None:
            return _rows(*self._summing(by, period, order, of_provider))
        # Finding the rows to return takes only one or two sums; the other sums are then computed for those rows alone.
        subjects = self._first(by, period, order)
        if subjects is None:
            subjects = self._all_sorted(by, period, order, of_provider)
        sums = self.of_subjects(by, period, subjects)
        return [Row(subject, sums.get(subject, Sums())) for subject in subjects]

    def _first(self, by: GroupBy, period: Period, order: RowOrder) -> list[Any] | None:
        """Return the subjects of the requested rows, if the heads of the totals determine them (`top_rows`)."""
        if (
            by is not GroupBy.ACCOUNT
            or order.limit is None
            or not order.descending
            or order.column not in top_rows.COLUMNS
        ):
            return None
        stretches, rows = period.stretches(_today()), order.offset + order.limit
        depth = top_rows.depth(rows, stretches)
        if depth is None:
            return None
        live = self._live_of(SubjectKind.ACCOUNT, period)
        totals, parameters = _totals(SubjectKind.ACCOUNT, stretches, live, of=top_rows.SUBJECTS)
        query = top_rows.query(order.column, stretches, totals, COLUMNS[order.column], is_live=bool(live))
        first = top_rows.top_subjects(_fetch(query, parameters | {"depth": depth, "rows": rows}), rows)
        return None if first is None else first[order.offset :]

    def _all_sorted(self, by: GroupBy, period: Period, order: RowOrder, of_provider: int | None) -> list[Any]:
        """Return the subjects of the requested rows by summing and sorting all subjects."""
        try:
            with transaction.atomic():
                rows = _fetch(*self._summing(by, period, order, of_provider, sums="", columns=_UNITS))
        except DataError:  # a sum of more than ninety trillion
            rows = _fetch(*self._summing(by, period, order, of_provider, sums=""))
        return [row[0] for row in rows]

    def portions(
        self, by: GroupBy, period: Period, order: RowOrder, *, of_provider: int | None = None
    ) -> Generator[list[Row]]:
        """Return the same rows as `rows`, in portions. The caller must read them to the end or close the generator.

        The rows stay readable after the transaction. The database holds them, on disk if necessary, so that a million
        rows take no memory here.
        """
        name = f"portions_{next(_cursor_numbers)}"
        query, parameters = self._summing(by, period, order, of_provider)
        with connection.cursor() as cursor:
            cursor.execute(f"DECLARE {name} NO SCROLL CURSOR WITH HOLD FOR {query}", parameters)
        return _portions(name)

    def _summing(
        self,
        by: GroupBy,
        period: Period,
        order: RowOrder,
        of_provider: int | None,
        *,
        sums: str = f", {_SUMS}",
        columns: Mapping[str, str] = COLUMNS,
    ) -> tuple[str, dict[str, Any]]:
        """Return the query for the rows, with its parameters."""
        parameters: dict[str, Any] = {"limit": order.limit, "offset": order.offset, "provider": of_provider}
        if by is GroupBy.CATEGORY:
            source, source_parameters = self._source(SubjectKind.SERVICE, period)
            summed = _BY_CATEGORY.format(sums=_SUMS, anything=_ANYTHING)
            return f"{source} {summed} {_ordered(order, 'category_id', columns)}", parameters | source_parameters
        if by is GroupBy.DAY:
            days = [Stretch(Span.DAY, period.start, period.end)]
            source, source_parameters = self._source(SubjectKind.DESK, period, days)
            subject, table = "(at AT TIME ZONE 'UTC')::date", "found"
        else:
            source, source_parameters = self._source(_KINDS[by], period, period.stretches(_today()))
            subject, table = "subject", "found" if of_provider is None else _OF_PROVIDER
        query = f"{source} SELECT {subject}{sums} FROM {table} GROUP BY {subject} {_ordered(order, subject, columns)}"
        return query, parameters | source_parameters

    def revenues(self, by: GroupBy, period: Period, subjects: Sequence[Any]) -> dict[Any, Decimal]:
        """Return the revenues of these subjects in a period. Subjects without any are left out."""
        if by is GroupBy.CATEGORY:
            source, parameters = self._source(SubjectKind.SERVICE, period)
            summed = _BY_CATEGORY.format(sums=COLUMNS["revenue"], anything="true")
            return dict(_fetch(f"{source} {summed}", parameters))
        if by is GroupBy.DAY:
            return {row.subject: row.sums.revenue for row in self.rows(by, period)}
        return {subject: sums.revenue for subject, sums in self.of_subjects(by, period, subjects).items()}

    def of_subjects(self, by: GroupBy, period: Period, subjects: Sequence[int]) -> dict[int, Sums]:
        """Return the sums of these subjects in a period, without those of zero. Not for days or categories."""
        source, parameters = self._source(_KINDS[by], period, subjects=subjects)
        rows = _rows(f"{source} SELECT subject, {_SUMS} FROM found GROUP BY subject", parameters)
        return {row.subject: row.sums for row in rows if row.sums != Sums()}

    def total(self, period: Period, *, of: SubjectKind = SubjectKind.DESK) -> Sums:
        """Return the sums of a period for the desk, or for all providers together."""
        source, parameters = self._source(of, period)
        [row] = _fetch(f"{source} SELECT {_SUMS} FROM found", parameters)
        return Sums(*row)

    def until(self, moment: datetime) -> Sums:
        """Return the desk's sums from midnight to `moment`, to the minute. The day must be over and recent."""
        query = f"SELECT {_SUMS} FROM reports_total WHERE kind = %s AND span = %s AND start >= %s AND start < %s"
        start = midnight(moment.date())
        [row] = _fetch(
            query, [SubjectKind.DESK.value, Span.MINUTE.value, start, moment.replace(second=0, microsecond=0)]
        )
        return Sums(*row)

    def _source(
        self,
        kind: SubjectKind,
        period: Period,
        stretches: Sequence[Stretch] | None = None,
        *,
        subjects: Sequence[int] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """Return a WITH clause that selects the totals to sum, of some subjects or all, with its parameters."""
        stretches = period.fewest_stretches(_today()) if stretches is None else stretches
        live = self._live_of(kind, period)
        if subjects is None:
            totals, parameters = _totals(kind, stretches, live)
            return f"WITH found AS ({totals})", parameters
        wanted = set(subjects)
        live = [row for row in live if row[1] in wanted]
        totals, parameters = _totals(kind, stretches, live, of="%(subjects)s")
        return f"WITH found AS ({totals})", parameters | {"subjects": list(wanted)}

    def _live_of(self, kind: SubjectKind, period: Period) -> list[tuple[Any, ...]]:
        return [row[1:] for row in self._live if row[0] == kind and period.start <= row[1] < period.end]


@contextmanager
def at_one_moment() -> Iterator[ReportReader]:
    """Yield a reader whose queries all see one snapshot of the database, in a transaction of their own."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT set_config('work_mem', %s, true)", [MEMORY])
            # A report uses one core: the other cores take orders, and on busy cores two workers are slower than one.
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        yield ReportReader()


def _totals(
    kind: SubjectKind, stretches: Sequence[Stretch], live: Sequence[tuple[Any, ...]], *, of: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Return a query for the totals of these stretches and the `live` rows, with its parameters.

    `of` is an SQL array of subjects that limits the totals. The `live` rows are not limited: the caller does that.
    """
    kept = _KEPT if of is None else _KEPT_OF_SOME
    queries = []
    parameters: dict[str, Any] = {"kind": kind.value}
    for number, stretch in enumerate(stretches):
        measures = _LESS if stretch.is_subtracted else _MEASURES
        queries.append(kept.format(span=stretch.span.value, number=number, subjects=of, measures=measures))
        parameters |= {f"start_{number}": stretch.start, f"end_{number}": stretch.end}
        parameters[f"starts_{number}"] = stretch.starts()
    if live:
        queries.append(_LIVE)
        parameters["live"] = json.dumps([dict(zip(_LIVE_COLUMNS, row, strict=True)) for row in live], default=str)
    return " UNION ALL ".join(queries), parameters


def _today() -> date:
    return datetime.now(UTC).date()


def _ordered(order: RowOrder, subject: str, columns: Mapping[str, str]) -> str:
    first = subject if order.column == "subject" else columns[order.column]
    return f"ORDER BY {first} {'DESC' if order.descending else 'ASC'}, {subject} LIMIT %(limit)s OFFSET %(offset)s"


def _portions(name: str) -> Generator[list[Row]]:
    try:
        while portion := _rows(f"FETCH {ROWS_A_PORTION} FROM {name}", None):
            yield portion
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"CLOSE {name}")


def _rows(query: str, parameters: dict[str, Any] | None) -> list[Row]:
    return [Row(row[0], Sums(*row[1:])) for row in _fetch(query, parameters)]


def _fetch(query: str, parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
