"""Reading the totals: sums of a period, by day or by subject, up to this moment.

What happened since the totals were brought up to date last is read from the tables themselves, on the same state of the
database: no row is missing and none is counted twice. Only when that would be very much, while an old database is being
filled, it is left out, and `progress` says so.
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
from tradepost.reports.measures import AMOUNTS, MEASURES, Kind, Span
from tradepost.reports.periods import Period, Stretch, midnight

LIVE_ROWS_MAX = 30_000
ROWS_A_PORTION = 2_000
MEMORY = "64MB"  # to add up in, so that a hundred thousand accounts need no file
ZERO = Decimal(0)
UNITS = 100_000  # of an amount


class Sums(msgspec.Struct, frozen=True):
    """What was counted. Amounts are exact."""

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
        """What was charged, less what was given back."""
        return self.charged - self.refunded

    @property
    def profit(self) -> Decimal:
        """What is left of it after the providers' part."""
        return self.revenue - self.cost


class Row(msgspec.Struct, frozen=True):
    """The sums of one subject: an id, or a day."""

    subject: Any
    sums: Sums


class By(StrEnum):
    """What rows are."""

    DAY = "day"
    SERVICE = "service"
    CATEGORY = "category"
    PROVIDER = "provider"
    OFFER = "offer"
    ACCOUNT = "account"


class Order(msgspec.Struct, frozen=True):
    """In which order rows come, and which of them."""

    column: str = "subject"
    descending: bool = False
    limit: int | None = None
    offset: int = 0


class Progress(msgspec.Struct, frozen=True):
    """How many rows are booked in the totals, and how many are yet to be."""

    booked: int
    waiting: int

    @property
    def is_live(self) -> bool:
        """Tell whether every figure is up to date: so little waits that it is taken in."""
        return self.waiting <= LIVE_ROWS_MAX

    @property
    def percent(self) -> int:
        """How much of the work is done."""
        return 100 * self.booked // max(self.booked + self.waiting, 1)


# What rows may be ordered by.
COLUMNS = {
    "subject": "subject",
    **{name: f"sum({name})" for name in MEASURES},
    "revenue": "sum(charged - refunded)",
    "profit": "sum(charged - refunded - cost)",
}

# The same as whole numbers, amounts as hundred-thousandths, which is what they are exact to: quicker to add up by far.
_UNITS = {
    "subject": "subject",
    **{name: f"reports_bigint_sum(({name} * {UNITS if name in AMOUNTS else 1})::bigint)" for name in MEASURES},
    "revenue": f"reports_bigint_sum(((charged - refunded) * {UNITS})::bigint)",
    "profit": f"reports_bigint_sum(((charged - refunded - cost) * {UNITS})::bigint)",
}

_KINDS = {
    By.DAY: Kind.DESK,
    By.SERVICE: Kind.SERVICE,
    By.CATEGORY: Kind.SERVICE,
    By.PROVIDER: Kind.PROVIDER,
    By.OFFER: Kind.OFFER,
    By.ACCOUNT: Kind.ACCOUNT,
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

# Of some subjects, each total is looked up.
_KEPT_OF_SOME = """
SELECT start AS at, subject, {measures} FROM reports_total
WHERE kind = %(kind)s AND span = {span} AND start = ANY(%(starts_{number})s) AND subject = ANY({subjects})
"""

_MARKS = f"""
SELECT "table", position, coalesce(newest, 0) FROM reports_watermark
JOIN (VALUES {", ".join(f"('{table}', (SELECT max(id) FROM {table}))" for table in TABLES)}) AS newest ("table", newest)
USING ("table")
"""

# What the totals don't know yet, added up by day and subject like they are.
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

_numbers = count(1)  # of what the database holds for this process


class Reader:
    """One state of the totals and of what they don't know yet, for as many questions as are asked: `at_one_moment`."""

    @cached_property
    def progress(self) -> Progress:
        """How far the totals are."""
        booked = sum(position for _, position, _ in self._marks)
        return Progress(booked, sum(max(newest - position, 0) for _, position, newest in self._marks))

    @cached_property
    def _marks(self) -> list[tuple[str, int, int]]:
        """Each table with the last row that the totals know of and the newest there is."""
        return _fetch(_MARKS, None)

    @cached_property
    def _live(self) -> list[tuple[Any, ...]]:
        if not 0 < self.progress.waiting <= LIVE_ROWS_MAX:
            return []
        # The numbers themselves, so that the database knows how few rows there are after them.
        rows = {f"{table}_after": position for table, position, _ in self._marks}
        return _fetch(_NEW, rows | {f"{table}_until": newest for table, _, newest in self._marks})

    def rows(self, by: By, period: Period, order: Order | None = None, *, of_provider: int | None = None) -> list[Row]:
        """Return the sums of a period by day or subject, in an order; of offers, those of a provider if it is given."""
        order = order or Order()
        if by in {By.DAY, By.CATEGORY} or order.limit is None:
            return _rows(*self._summing(by, period, order, of_provider))
        # To say which rows they are needs one or two sums; the others are added up of those rows only.
        subjects = self._first(by, period, order)
        if subjects is None:
            subjects = self._all_sorted(by, period, order, of_provider)
        of_each = self.of_subjects(by, period, subjects)
        return [Row(subject, of_each.get(subject, Sums())) for subject in subjects]

    def _first(self, by: By, period: Period, order: Order) -> list[Any] | None:
        """Return the subjects of the rows asked for, if the heads of the totals tell which those are."""
        if by is not By.ACCOUNT or order.limit is None or not order.descending or order.column not in top_rows.COLUMNS:
            return None
        stretches, rows = period.stretches(_today()), order.offset + order.limit
        depth = top_rows.depth(rows, stretches)
        if depth is None:
            return None
        live = self._live_of(Kind.ACCOUNT, period)
        found, parameters = _found(Kind.ACCOUNT, stretches, live, of=top_rows.SUBJECTS)
        query = top_rows.query(order.column, stretches, found, COLUMNS[order.column], is_live=bool(live))
        first = top_rows.told(_fetch(query, parameters | {"depth": depth, "rows": rows}), rows)
        return None if first is None else first[order.offset :]

    def _all_sorted(self, by: By, period: Period, order: Order, of_provider: int | None) -> list[Any]:
        """Return the subjects of the rows asked for; all are added up, and sorted by what they come to."""
        try:
            with transaction.atomic():
                found = _fetch(*self._summing(by, period, order, of_provider, sums="", columns=_UNITS))
        except DataError:  # more than ninety trillion
            found = _fetch(*self._summing(by, period, order, of_provider, sums=""))
        return [row[0] for row in found]

    def portions(self, by: By, period: Period, order: Order, *, of_provider: int | None = None) -> Generator[list[Row]]:
        """Return such rows in portions, to be read to the end or closed; the transaction may be over by then.

        The database holds them, on disk if need be, so that a million of them take no memory here.
        """
        name = f"portions_{next(_numbers)}"
        query, parameters = self._summing(by, period, order, of_provider)
        with connection.cursor() as cursor:
            cursor.execute(f"DECLARE {name} NO SCROLL CURSOR WITH HOLD FOR {query}", parameters)
        return _portions(name)

    def _summing(
        self,
        by: By,
        period: Period,
        order: Order,
        of_provider: int | None,
        *,
        sums: str = f", {_SUMS}",
        columns: Mapping[str, str] = COLUMNS,
    ) -> tuple[str, dict[str, Any]]:
        """Return the query for such rows, with its parameters."""
        parameters: dict[str, Any] = {"limit": order.limit, "offset": order.offset, "provider": of_provider}
        if by is By.CATEGORY:
            source, some = self._source(Kind.SERVICE, period)
            summed = _BY_CATEGORY.format(sums=_SUMS, anything=_ANYTHING)
            return f"{source} {summed} {_ordered(order, 'category_id', columns)}", parameters | some
        if by is By.DAY:
            source, some = self._source(Kind.DESK, period, [Stretch(Span.DAY, period.start, period.end)])
            subject, found = "(at AT TIME ZONE 'UTC')::date", "found"
        else:
            source, some = self._source(_KINDS[by], period, period.stretches(_today()))
            subject, found = "subject", "found" if of_provider is None else _OF_PROVIDER
        query = f"{source} SELECT {subject}{sums} FROM {found} GROUP BY {subject} {_ordered(order, subject, columns)}"
        return query, parameters | some

    def revenues(self, by: By, period: Period, subjects: Sequence[Any]) -> dict[Any, Decimal]:
        """Return the revenue that these subjects had in a period, of those that had any."""
        if by is By.CATEGORY:
            source, parameters = self._source(Kind.SERVICE, period)
            summed = _BY_CATEGORY.format(sums=COLUMNS["revenue"], anything="true")
            return dict(_fetch(f"{source} {summed}", parameters))
        if by is By.DAY:
            return {row.subject: row.sums.revenue for row in self.rows(by, period)}
        return {subject: sums.revenue for subject, sums in self.of_subjects(by, period, subjects).items()}

    def of_subjects(self, by: By, period: Period, subjects: Sequence[int]) -> dict[int, Sums]:
        """Return the sums of a period of these subjects, of those that have any; not of days or categories."""
        source, parameters = self._source(_KINDS[by], period, subjects=subjects)
        found = _rows(f"{source} SELECT subject, {_SUMS} FROM found GROUP BY subject", parameters)
        return {row.subject: row.sums for row in found if row.sums != Sums()}

    def total(self, period: Period, *, of: Kind = Kind.DESK) -> Sums:
        """Return the sums of a period: of the desk, or of all providers together."""
        source, parameters = self._source(of, period)
        [row] = _fetch(f"{source} SELECT {_SUMS} FROM found", parameters)
        return Sums(*row)

    def until(self, moment: datetime) -> Sums:
        """Return the desk's sums of a day that is over up to a time of that day, to the minute; of the last days."""
        query = f"SELECT {_SUMS} FROM reports_total WHERE kind = %s AND span = %s AND start >= %s AND start < %s"
        start = midnight(moment.date())
        [row] = _fetch(query, [Kind.DESK.value, Span.MINUTE.value, start, moment.replace(second=0, microsecond=0)])
        return Sums(*row)

    def _source(
        self,
        kind: Kind,
        period: Period,
        stretches: Sequence[Stretch] | None = None,
        *,
        subjects: Sequence[int] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """Return a WITH clause that finds what is to be summed, of some subjects or all, with its parameters."""
        stretches = period.fewest(_today()) if stretches is None else stretches
        live = self._live_of(kind, period)
        if subjects is None:
            found, parameters = _found(kind, stretches, live)
            return f"WITH found AS ({found})", parameters
        wanted = set(subjects)
        live = [row for row in live if row[1] in wanted]
        found, parameters = _found(kind, stretches, live, of="%(subjects)s")
        return f"WITH found AS ({found})", parameters | {"subjects": list(wanted)}

    def _live_of(self, kind: Kind, period: Period) -> list[tuple[Any, ...]]:
        return [row[1:] for row in self._live if row[0] == kind and period.start <= row[1] < period.end]


@contextmanager
def at_one_moment() -> Iterator[Reader]:
    """Begin a transaction in which all that is asked is of one state of the database."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT set_config('work_mem', %s, true)", [MEMORY])
            # One core a report: the others take orders, and where they are busy two take longer than one.
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        yield Reader()


def _found(
    kind: Kind, stretches: Sequence[Stretch], live: Sequence[tuple[Any, ...]], *, of: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Return a query for the totals of these stretches, and what is new, with its parameters.

    `of` is an array of subjects, as SQL, that the totals are to be of; what is new is taken as it is.
    """
    kept = _KEPT if of is None else _KEPT_OF_SOME
    found = []
    parameters: dict[str, Any] = {"kind": kind.value}
    for number, stretch in enumerate(stretches):
        measures = _LESS if stretch.is_less else _MEASURES
        found.append(kept.format(span=stretch.span.value, number=number, subjects=of, measures=measures))
        parameters |= {f"start_{number}": stretch.start, f"end_{number}": stretch.end}
        parameters[f"starts_{number}"] = stretch.starts()
    if live:
        found.append(_LIVE)
        parameters["live"] = json.dumps([dict(zip(_LIVE_COLUMNS, row, strict=True)) for row in live], default=str)
    return " UNION ALL ".join(found), parameters


def _today() -> date:
    return datetime.now(UTC).date()


def _ordered(order: Order, subject: str, columns: Mapping[str, str]) -> str:
    first = subject if order.column == "subject" else columns[order.column]
    return f"ORDER BY {first} {'DESC' if order.descending else 'ASC'}, {subject} LIMIT %(limit)s OFFSET %(offset)s"


def _portions(name: str) -> Generator[list[Row]]:
    try:
        while some := _rows(f"FETCH {ROWS_A_PORTION} FROM {name}", None):
            yield some
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"CLOSE {name}")


def _rows(query: str, parameters: dict[str, Any] | None) -> list[Row]:
    return [Row(row[0], Sums(*row[1:])) for row in _fetch(query, parameters)]


def _fetch(query: str, parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
