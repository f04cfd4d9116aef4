"""Find rows by time in tables that have no index on time, but ids that grow with time.

Thousands of orders and transfers are written a second, so they have no index that only lists would use. A binary search
finds the id that belongs to a moment: about thirty look-ups by primary key, in one statement.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Model, QuerySet

# A row's id may be assigned before or after its time is set, at most as long apart as a transaction lasts.
SLACK = timedelta(hours=1)

# In every step, [low, high] contains the first id at or after the moment. A step reads the first row of the upper half.
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
    """Return an id so that every row at or after `moment` has this id or a higher one; 0 for an empty table."""
    quote = connection.ops.quote_name
    query = _FIRST_ID_SINCE.format(table=quote(table), column=quote(column))
    with connection.cursor() as cursor:
        cursor.execute(query, {"moment": moment})
        row = cursor.fetchone()
    return row[0] if row else 0


def narrow_by_id[M: Model](
    rows: QuerySet[M], column: str, start: datetime | None = None, end: datetime | None = None
) -> QuerySet[M]:
    """Limit rows by id. The result has all rows from `start` on and before `end`, plus some rows around them."""
    table = rows.model._meta.db_table  # noqa: SLF001 - documented
    if start:
        rows = rows.filter(pk__gte=first_id_since(table, column, start - SLACK))
    if end:
        rows = rows.filter(pk__lt=first_id_since(table, column, end + SLACK))
    return rows


def filter_between[M: Model](
    rows: QuerySet[M], column: str, start: datetime | None = None, end: datetime | None = None
) -> QuerySet[M]:
    """Limit rows to those from `start` on and before `end`: by id first, which is fast, then by time."""
    return filter_by_time(narrow_by_id(rows, column, start, end), column, start, end)


def filter_by_time[M: Model](
    rows: QuerySet[M], column: str, start: datetime | None = None, end: datetime | None = None
) -> QuerySet[M]:
    """Limit rows to those from `start` on and before `end`, by time alone. Slow unless `narrow_by_id` came first."""
    if start:
        rows = rows.filter(**{f"{column}__gte": start})
    return rows.filter(**{f"{column}__lt": end}) if end else rows
