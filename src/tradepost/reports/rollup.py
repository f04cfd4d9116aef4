"""Keep the totals up to date: book every new row of the tables exactly once, whichever process is killed when.

1. `settled_positions` finds, for each table, the row up to which no row can be missing any more. This is not simply the
   newest row: transactions get ids first and commit later, in any order.
2. `roll_up` books the rows up to there in the totals, a limited number at a time, and moves the watermarks in the same
   transaction.

Booking an old database from the start works the same way: it needs limited memory and goes on where it was stopped.
"""

import time
from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction

from tradepost.reports.bookings import BOOKINGS, DURATIONS, SUBJECTS, TABLES
from tradepost.reports.measures import COUNTS, MEASURES, Span, SubjectKind
from tradepost.shutdown import is_stopping

ROWS_A_TABLE_MAX = 200_000  # a step; twice as many are hardly faster, and the transaction lasts twice as long
MEMORY = "16MB"  # `work_mem` of a step; more makes it no faster
WAIT_SECONDS_MAX = 10  # for open transactions to end
LOOK_SECONDS = 0.02
MINUTES_KEPT_DAYS = 8
DURATIONS_KEPT_DAYS = 100

type Positions = dict[str, int]

_NEWEST = " UNION ALL ".join(f"SELECT '{table}', coalesce(max(id), 0) FROM {table}" for table in TABLES)

# A transaction that writes to a table holds this lock before it gets an id.
_WRITERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE mode = 'RowExclusiveLock' AND relation = ANY(%s::regclass[]) AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

_POSITIONS = 'SELECT "table", position FROM reports_watermark ORDER BY "table"'

_MOVE_ON = 'UPDATE reports_watermark SET position = %s WHERE "table" = %s'

_IS_RECENT = "at >= date_bin('1 minute', now(), 'epoch') - make_interval(days => %(minutes_kept_days)s)"
_MINUTES = f"({SubjectKind.DESK}, {SubjectKind.PROVIDER})"
_MEASURES = ", ".join(MEASURES)
_SUMS = ", ".join(f"sum({name}){'::integer' if name in COUNTS else ''} AS {name}" for name in MEASURES)
_SUMMED = ", ".join(f"coalesce({name}, 0)" for name in MEASURES)

# A step joins its rows with others by id only. With these settings its time depends neither on the length of the
# history nor on the planner's statistics, which are wrong in a database that was just restored.
_PLANNING = """
SELECT set_config('work_mem', %s, true), set_config(name, 'off', true) FROM unnest(ARRAY[
    'enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_memoize'
]) AS settings (name)
"""

# Sums first by all subjects of a booking together, so that the rows of one order become one row; then by each subject
# and day. Months are sums of days, and years are sums of months. Days are UTC days, so all have the same length.
_ADD = f"""
INSERT INTO reports_total AS was (kind, span, start, subject, {_MEASURES})
{BOOKINGS}, cell AS MATERIALIZED (
    SELECT date_bin(CASE WHEN {_IS_RECENT} THEN interval '1 minute' ELSE interval '1 day' END, at, 'epoch') AS at,
           service, account, provider, offer, {_SUMS}
    FROM booking GROUP BY 1, 2, 3, 4, 5
), daily AS (
    SELECT kind, date_bin('1 day', at, 'epoch') AS start, subject, {_SUMS}
    FROM cell CROSS JOIN LATERAL {SUBJECTS} WHERE subject IS NOT NULL GROUP BY 1, 2, 3
), monthly AS (
    SELECT kind, date_trunc('month', start, 'UTC') AS start, subject, {_SUMS} FROM daily GROUP BY 1, 2, 3
)
SELECT kind, {Span.MINUTE} AS span, at, subject, {_SUMMED} FROM (
    SELECT kind, at, subject, {_SUMS} FROM cell CROSS JOIN LATERAL {SUBJECTS}
    WHERE subject IS NOT NULL AND kind IN {_MINUTES} AND {_IS_RECENT} GROUP BY 1, 2, 3
) AS minutely
UNION ALL SELECT kind, {Span.DAY}, start, subject, {_SUMMED} FROM daily
UNION ALL SELECT kind, {Span.MONTH}, start, subject, {_SUMMED} FROM monthly
UNION ALL SELECT kind, {Span.YEAR}, start, subject, {_SUMMED} FROM (
    SELECT kind, date_trunc('year', start, 'UTC') AS start, subject, {_SUMS} FROM monthly GROUP BY 1, 2, 3
) AS yearly
ORDER BY 1, 2, 3, 4
ON CONFLICT (kind, span, start, subject) DO UPDATE
SET {", ".join(f"{name} = was.{name} + excluded.{name}" for name in MEASURES)}
"""

_ADD_DURATIONS = f"""
INSERT INTO reports_duration AS was (kind, subject, day, phase, bucket, orders)
{DURATIONS}
ON CONFLICT (kind, subject, day, phase, bucket) DO UPDATE SET orders = was.orders + excluded.orders
"""

_FORGET_MINUTES = f"""
DELETE FROM reports_total
WHERE kind IN {_MINUTES} AND span = {Span.MINUTE} AND start < now() - make_interval(days => %s)
"""

_FORGET_DURATIONS = "DELETE FROM reports_duration WHERE day < (now() - make_interval(days => %s))::date"


def settled_positions() -> Positions | None:
    """Return, for each table, an id up to which every row is committed or will never be written.

    Return None if open transactions take longer than `WAIT_SECONDS_MAX`, or if this worker is stopping; the next call
    tries again. Must not be called within a transaction.
    """
    newest = _positions(_NEWEST)
    awaited = _writers()
    give_up_at = time.monotonic() + WAIT_SECONDS_MAX
    while awaited:
        if time.monotonic() > give_up_at or is_stopping():
            return None
        time.sleep(LOOK_SECONDS)
        awaited &= _writers()
    return newest


def roll_up(until: Positions, *, rows_max: int = ROWS_A_TABLE_MAX) -> bool:
    """Book the next rows of each table, up to these positions at most. Return whether there were any."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(f"{_POSITIONS} FOR UPDATE")
        after: Positions = dict(cursor.fetchall())
        steps = _steps(after, until, rows_max)
        if steps == after:
            return False
        rows = {f"{table}_after": after[table] for table in TABLES} | {f"{t}_until": steps[t] for t in TABLES}
        cursor.execute(_PLANNING, [MEMORY])
        cursor.execute(_ADD, rows | {"minutes_kept_days": MINUTES_KEPT_DAYS})
        cursor.execute(_ADD_DURATIONS, rows | {"kept_days": DURATIONS_KEPT_DAYS})
        cursor.executemany(_MOVE_ON, [(steps[table], table) for table in TABLES])
    return True


def _steps(after: Positions, until: Positions, rows_max: int) -> Positions:
    """Return how far the next step goes in each table, at most `rows_max` rows. It covers the same time in every table.

    So all rows of a day are booked together, and each total of the day is written once.
    """
    ends = {table: min(max(until[table], after[table]), after[table] + rows_max) for table in TABLES}
    times = {table: _time_of_last(table, after[table], ends[table]) for table in TABLES if ends[table] < until[table]}
    moment = min((time for time in times.values() if time), default=None)
    if moment is None:
        return ends
    return {
        table: ends[table]
        if table in times and not times[table]
        else _last_by(table, after[table], ends[table], moment)
        for table in TABLES
    }


def _time_of_last(table: str, after: int, until: int) -> datetime | None:
    """Return the time of the last row in this id range; None if the range has no rows."""
    query = f"SELECT {TABLES[table]} FROM {table} WHERE id > %s AND id <= %s ORDER BY id DESC LIMIT 1"
    with connection.cursor() as cursor:
        cursor.execute(query, [after, until])
        row = cursor.fetchone()
    return row[0] if row else None


def _last_by(table: str, after: int, until: int, moment: datetime) -> int:
    """Return the id of the last row in this id range that is not newer than `moment`."""
    query = f"SELECT coalesce(max(id), %s) FROM {table} WHERE id > %s AND id <= %s AND {TABLES[table]} <= %s"
    with connection.cursor() as cursor:
        cursor.execute(query, [after, after, until, moment])
        [last] = cursor.fetchone()
    return int(last)


def catch_up(*, seconds_max: float = float("inf")) -> Iterator[Positions]:
    """Book rows until none wait, the time is over, or this worker stops. Yield the positions after each step."""
    give_up_at = time.monotonic() + seconds_max
    until = settled_positions()
    while until and time.monotonic() < give_up_at and not is_stopping() and roll_up(until):
        yield positions()


def positions() -> Positions:
    """Return the id of the last booked row of each table."""
    return _positions(_POSITIONS)


def reset() -> None:
    """Delete all totals. The next steps book every row again."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(f"{_POSITIONS} FOR UPDATE")
        cursor.execute("TRUNCATE reports_total, reports_duration")
        cursor.execute("UPDATE reports_watermark SET position = 0")


def delete_expired_details() -> None:
    """Delete minutes older than `MINUTES_KEPT_DAYS` and durations older than `DURATIONS_KEPT_DAYS`."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_MINUTES, [MINUTES_KEPT_DAYS])
        cursor.execute(_FORGET_DURATIONS, [DURATIONS_KEPT_DAYS])


def _writers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS, [list(TABLES)])
        return {row[0] for row in cursor.fetchall()}


def _positions(query: str) -> Positions:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return dict(cursor.fetchall())
