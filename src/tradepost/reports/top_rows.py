"""Which rows of a long report come first, without adding all of them up.

To show the hundred accounts that brought most, a hundred thousand would be added up and sorted. But the totals of each
month, day and year stand in indexes by what was charged and by profit, and only the heads of those need to be read:
whoever is in none of them can't have more, in sum, than the last of each head have together. If those who are in one
and come first have more than that, they are the first of all (Fagin, Lotem and Naor: the threshold algorithm). Where
sales are spread so evenly that this can't be told, all are added up.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tradepost.reports.periods import Stretch

# What can be told from heads, by which index. Refunds are never below zero: no revenue is above what was charged.
COLUMNS = {"charged": "charged", "revenue": "charged", "profit": "charged - refunded - cost"}
ROWS_READ_MAX = 30_000  # of all heads; with more, adding up everything is as fast
DEEPER = 1.5  # than the rows that are asked for, since who comes first in sum doesn't in each month
DEEPER_ROWS = 100

_HEAD = """
SELECT {number} AS stretch, s.start, h.subject, h.most
FROM unnest(%(starts_{number})s::timestamptz[]) AS s (start), LATERAL (
    SELECT subject, {by} AS most FROM reports_total WHERE kind = %(kind)s AND span = {span} AND start = s.start
    ORDER BY {by} DESC LIMIT %(depth)s
) AS h
"""

# Of what the totals don't know yet.
_LIVE_HEAD = """
SELECT NULL, start, subject, most FROM (
    SELECT start, subject, {by} AS most, row_number() OVER (PARTITION BY start ORDER BY {by} DESC) AS place
    FROM json_populate_recordset(NULL::reports_total, %(live)s::json)
) AS new WHERE place <= %(depth)s
"""

# `left_out` is the most that anybody can have who is in no head; NULL if everybody is in one.
_FIRST = """
WITH head AS MATERIALIZED ({heads}), found AS ({found})
SELECT subject, {figure} AS figure, (
    SELECT sum(greatest(most, 0)) FROM (
        SELECT min(most) AS most FROM head GROUP BY stretch, start HAVING count(*) = %(depth)s
    ) AS last
) AS left_out
FROM found WHERE subject IN (SELECT subject FROM head) GROUP BY subject ORDER BY figure DESC, subject LIMIT %(rows)s
"""
SUBJECTS = "ARRAY(SELECT subject FROM head)"


def depth(rows: int, stretches: Sequence[Stretch]) -> int | None:
    """Return how many rows of each head to read for so many rows of the report; None if all had better be added up."""
    deep = int(rows * DEEPER) + DEEPER_ROWS
    heads = sum(len(stretch.starts()) for stretch in stretches) + 1
    return deep if deep * heads <= ROWS_READ_MAX else None


def query(column: str, stretches: Sequence[Stretch], found: str, figure: str, *, is_live: bool) -> str:
    """Compose the query for the first rows by a column; `found` finds what to add up, of `SUBJECTS` at least."""
    by = COLUMNS[column]
    parts = [_HEAD.format(number=number, span=each.span.value, by=by) for number, each in enumerate(stretches)]
    if is_live:
        parts.append(_LIVE_HEAD.format(by=by))
    return _FIRST.format(heads=" UNION ALL ".join(parts), found=found, figure=figure)


def told(rows: Sequence[tuple[Any, Decimal, Decimal | None]], asked: int) -> list[Any] | None:
    """Return the subjects that come first, if the answer to the query tells who they are."""
    if rows:
        (_, figure, left_out) = rows[-1]
        if left_out is not None and (len(rows) < asked or figure <= left_out):
            return None
    return [row[0] for row in rows]
