"""The quality of providers and their services: how long orders take, and how many fail."""

from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import msgspec
from django.db import connection

from tradepost.reports.measures import GROWTH, Phase, Span, SubjectKind
from tradepost.reports.periods import Period
from tradepost.reports.queries import GroupBy, ReportReader, Row, RowOrder, Sums

MEDIAN, HIGH = 0.5, 0.9
ATTEMPT_SECONDS = 3_600

type Buckets = dict[int, int]


class Quality(msgspec.Struct, frozen=True):
    """The quality of a provider or an offer. Times run from when the provider accepted the order."""

    subject: int
    sums: Sums
    starts: Buckets
    completions: Buckets

    def start(self, share: float) -> timedelta | None:
        """Return the time within which this share of the orders started; 0.5 gives the median."""
        return quantile(self.starts, share)

    def completion(self, share: float) -> timedelta | None:
        """Return the time within which this share of the completed orders were completed; 0.5 gives the median."""
        return quantile(self.completions, share)

    @property
    def ended(self) -> int:
        return self.sums.completed + self.sums.partial + self.sums.canceled

    @property
    def tries(self) -> int:
        """The number of attempts to place an order there."""
        return self.sums.orders + self.sums.refused + self.sums.unsure


_DURATIONS = """
SELECT subject, phase, bucket, sum(orders)::bigint FROM reports_duration
WHERE kind = %s AND subject = ANY(%s::bigint[]) AND day >= %s AND day <= %s GROUP BY 1, 2, 3
"""

_ATTEMPTS = """
SELECT subject, sum(orders)::bigint, sum(refused)::bigint, sum(unsure)::bigint FROM reports_total
WHERE kind = %s AND span = %s AND start > now() - make_interval(secs => %s) GROUP BY 1
"""


def quality_of_providers(reader: ReportReader, period: Period) -> list[Quality]:
    """Return the quality of all providers that orders were sent to. The provider with most orders comes first."""
    return _with_durations(
        reader.rows(GroupBy.PROVIDER, period, RowOrder("orders", descending=True)), SubjectKind.PROVIDER, period
    )


def quality_of_offers(reader: ReportReader, provider: int, period: Period, *, limit: int) -> list[Quality]:
    """Return the quality of a provider's offers. The offer with most orders comes first."""
    order = RowOrder("orders", descending=True, limit=limit)
    return _with_durations(reader.rows(GroupBy.OFFER, period, order, of_provider=provider), SubjectKind.OFFER, period)


def quality_of_all_offers(reader: ReportReader, provider: int, period: Period) -> Generator[list[Quality]]:
    """Return the quality of all offers in portions, like `ReportReader.portions`.

    The times are read with each portion, so they may be newer than the sums.
    """
    portions = reader.portions(GroupBy.OFFER, period, RowOrder("orders", descending=True), of_provider=provider)
    return _portions_with_durations(portions, period)


def _portions_with_durations(portions: Generator[list[Row]], period: Period) -> Generator[list[Quality]]:
    with closing(portions):
        for rows in portions:
            yield _with_durations(rows, SubjectKind.OFFER, period)


def attempts_last_hour() -> dict[int, Sums]:
    """Return the results of the last hour's attempts by provider: only `orders` (sent), `refused` and `unsure`."""
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS, [SubjectKind.PROVIDER.value, Span.MINUTE.value, ATTEMPT_SECONDS])
        return {
            provider: Sums(orders=orders, refused=refused, unsure=unsure)
            for provider, orders, refused, unsure in cursor.fetchall()
        }


def quantile(buckets: Buckets, share: float) -> timedelta | None:
    """Return the duration that this share of the durations does not exceed; None without durations.

    The value is exact to within its bucket, which is 25 % wide.
    """
    left = share * sum(buckets.values())
    for bucket, orders in sorted(buckets.items()):
        if left <= orders:
            return timedelta(seconds=GROWTH ** (bucket + left / orders))
        left -= orders
    return None


def _with_durations(rows: Sequence[Row], kind: SubjectKind, period: Period) -> list[Quality]:
    buckets: defaultdict[tuple[Any, int], Buckets] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_DURATIONS, [kind.value, [row.subject for row in rows], period.first, period.last])
        for subject, phase, bucket, orders in cursor.fetchall():
            buckets[subject, phase][bucket] = orders
    return [
        Quality(row.subject, row.sums, buckets[row.subject, Phase.START], buckets[row.subject, Phase.COMPLETION])
        for row in rows
    ]
