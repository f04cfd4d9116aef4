"""Rows of a stretch of time, from tables whose ids grow with time and which have no index on time.

Orders and transfers are written thousands a second, so an index that only the back office would read is left out.
Where a day begins among the ids is found by halving: some thirty look-ups by primary key, in one statement.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from tradepost.backoffice.styled import RangeDateFilter

# Ids are handed out a little before or after a row's time is set: as long as a transaction may possibly last.
SLACK = timedelta(hours=1)
YEARS = range(2000, 2200)  # what is typed beyond them is taken for a slip

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


def between[M: Model](
    rows: QuerySet[M], column: str, start: datetime | None = None, end: datetime | None = None
) -> QuerySet[M]:
    """Narrow rows down to those from `start` on and before `end`, by id first."""
    table = rows.model._meta.db_table  # noqa: SLF001 - documented
    if start:
        first = first_id_since(table, column, start - SLACK)
        rows = rows.filter(**{"pk__gte": first, f"{column}__gte": start})
    if end:
        first_after = first_id_since(table, column, end + SLACK)
        rows = rows.filter(**{"pk__lt": first_after, f"{column}__lt": end})
    return rows


def today() -> datetime:
    """Return when today began."""
    return datetime.combine(timezone.now().date(), time(), UTC)


def day_of(text: str) -> datetime | None:
    """Return when the day began that is typed; None for what is no date, or a slip."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return datetime.combine(day, time(), UTC) if day and day.year in YEARS else None


class DayFilter(RangeDateFilter):
    """Rows from one day to another, both included."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 - Django's
        """Narrow the list down; what is no date narrows nothing."""
        start, end = self._day("from"), self._day("to")
        return between(queryset, self.field_path, start, end + timedelta(days=1) if end else None)

    def _day(self, side: str) -> datetime | None:
        return day_of(str(self.used_parameters.get(f"{self.field_path}_{side}", "")))
