"""Rows of a stretch of time, from tables whose ids grow with time and which have no index on time.

Orders and transfers are written thousands a second, so an index that only lists would read is left out. Where a moment
lies among the ids is found by halving: some thirty look-ups by primary key, in one statement.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Model, QuerySet

# Ids are handed out a little before or after a row's time is set: as long as a transaction may possibly last.
SLACK = timedelta(hours=1)

# The first id at or after the moment lies in [low, high] all along; each step looks at the first row of the upper half.
_FIRST_ID_SINCE = """
WITH RECURSIVE search (low, high) AS (
    SELECT min(id), max(id) + 1 FROM {table}
    UNION ALL
    SELECT CASE WHEN probe.at < %(moment)s THEN probe.id + 1 ELSE low END,
           CASE WHEN probe.at < %(moment)s THEN high ELSE (low + high) / 2 END
    FROM search, LATERAL (
        SELECT id, {column} AS at FROM {table} WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1
    ) AS probe
    WHERE low < high
)
SELECT low FROM search WHERE low = high
"""


def first_id_since(table: str, column: str, moment: datetime) -> int:
    """Return an id such that every row from `moment` on has this one or a later one; 0 for an empty table."""
    quote = connection.ops.quote_name
    query = _FIRST_ID_SINCE.format(table=quote(table), column=quote(column))
    with connection.cursor() as cursor:
        cursor.execute(query, {"moment": moment})
        row = cursor.fetchone()
    return row[0] if row else 0


def around[M: Model](
    rows: QuerySet[M], column: str, start: datetime | None = None, end: datetime | None = None
) -> QuerySet[M]:
    """Narrow rows down by id to a stretch that has all those in it from `start` on and before `end`, and some more."""
    table = rows.model._meta.db_table  # noqa: SLF001 - documented
    if start:
        rows = rows.filter(pk__gte=first_id_since(table, column, start - SLACK))
    if end:
        rows = rows.filter(pk__lt=first_id_since(table, column, end + SLACK))
    return rows


def between[M: Model](
    rows: QuerySet[M], column: str, start: datetime | None = None, end: datetime | None = None
) -> QuerySet[M]:
    """Narrow rows down to those from `start` on and before `end`, by id first."""
    return within(around(rows, column, start, end), column, start, end)


def within[M: Model](
    rows: QuerySet[M], column: str, start: datetime | None = None, end: datetime | None = None
) -> QuerySet[M]:
    """Narrow rows down to those from `start` on and before `end`, by their time alone: after `around`."""
    if start:
        rows = rows.filter(**{f"{column}__gte": start})
    return rows.filter(**{f"{column}__lt": end}) if end else rows
