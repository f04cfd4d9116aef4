"""Find the first rows of a long report without summing all its rows (the threshold algorithm of Fagin, Lotem, Naor).

Showing the hundred top accounts would mean summing and sorting a hundred thousand. But indexes hold the totals of each
month, day and year sorted by charge and by profit. So it is enough to read the head of each index: its first rows.

1. An account in no head has at most the sum of the last values of all heads.
2. If the first accounts found in the heads have more than this sum, they are the first of all accounts.
3. If they don't, because sales are spread too evenly, the caller must sum all accounts.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tradepost.reports.periods import Stretch

# The columns that heads can sort, with the index expression. Revenue uses the charge: refunds are never negative, so
# the revenue is never above the charge.
COLUMNS = {"charged": "charged", "revenue": "charged", "profit": "charged - refunded - cost"}
ROWS_READ_MAX = 30_000  # of all heads together; beyond that, summing everything is as fast
# Heads are deeper than the number of rows requested: the first in sum need not be the first in each month.
DEPTH_FACTOR = 1.5
EXTRA_ROWS = 100

_HEAD = """
SELECT {number} AS stretch, s.start, h.subject, h.most
FROM unnest(%(starts_{number})s::timestamptz[]) AS s (start), LATERAL (
    SELECT subject, {by} AS most FROM reports_total WHERE kind = %(kind)s AND span = {span} AND start = s.start
    ORDER BY {by} DESC LIMIT %(depth)s
) AS h
"""

# The head of the rows that are not booked in the totals yet.
_LIVE_HEAD = """
SELECT NULL, start, subject, most FROM (
    SELECT start, subject, {by} AS most, row_number() OVER (PARTITION BY start ORDER BY {by} DESC) AS place
    FROM json_populate_recordset(NULL::reports_total, %(live)s::json)
) AS new WHERE place <= %(depth)s
"""

# `left_out` is the most that a subject in no head can have; NULL if every subject is in a head.
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
    """Return how many rows of each head to read for `rows` of the report; None if summing all rows is as fast."""
    head_rows = int(rows * DEPTH_FACTOR) + EXTRA_ROWS
    heads = sum(len(stretch.starts()) for stretch in stretches) + 1
    return head_rows if head_rows * heads <= ROWS_READ_MAX else None


def query(column: str, stretches: Sequence[Stretch], totals: str, figure: str, *, is_live: bool) -> str:
    """Compose the query for the first rows by a column.

    `totals` is a query for the totals to sum, at least those of `SUBJECTS`; `figure` is the SQL of the sorted sum.
    """
    by = COLUMNS[column]
    heads = [_HEAD.format(number=number, span=stretch.span.value, by=by) for number, stretch in enumerate(stretches)]
    if is_live:
        heads.append(_LIVE_HEAD.format(by=by))
    return _FIRST.format(heads=" UNION ALL ".join(heads), found=totals, figure=figure)


def top_subjects(rows: Sequence[tuple[Any, Decimal, Decimal | None]], requested: int) -> list[Any] | None:
    """Return the subjects that come first; None if the query's result does not prove that they do."""
    if rows:
        (_, figure, left_out) = rows[-1]
        if left_out is not None and (len(rows) < requested or figure <= left_out):
            return None
    return [row[0] for row in rows]
