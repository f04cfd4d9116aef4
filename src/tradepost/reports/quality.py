"""How good providers and their services are: how long orders take there, and how many go wrong."""

from collections import defaultdict
from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import msgspec
from django.db import connection

from tradepost.reports.measures import GROWTH, Kind, Phase, Span
from tradepost.reports.periods import Period
from tradepost.reports.queries import By, Order, Reader, Row, Sums

MEDIAN, HIGH = 0.5, 0.9
LATELY_SECONDS = 3_600

type Buckets = dict[int, int]


class Quality(msgspec.Struct, frozen=True):
    """How a provider, or what it sells, has done. Times are from when it took an order; None where there were none."""

    subject: int
    sums: Sums
    starts: Buckets
    completions: Buckets

    def start(self, share: float) -> timedelta | None:
        """Return the time within which so great a share of the orders began."""
        return quantile(self.starts, share)

    def completion(self, share: float) -> timedelta | None:
        """Return the time within which so great a share of the completed orders were."""
        return quantile(self.completions, share)

    @property
    def ended(self) -> int:
        """How many orders ended, in whatever way."""
        return self.sums.completed + self.sums.partial + self.sums.canceled

    @property
    def tries(self) -> int:
        """How many times an order was tried to be placed there."""
        return self.sums.orders + self.sums.refused + self.sums.unsure


_DURATIONS = """
SELECT subject, phase, bucket, sum(orders)::bigint FROM reports_duration
WHERE kind = %s AND subject = ANY(%s::bigint[]) AND day >= %s AND day <= %s GROUP BY 1, 2, 3
"""

_LATELY = """
SELECT subject, sum(orders)::bigint, sum(refused)::bigint, sum(unsure)::bigint FROM reports_total
WHERE kind = %s AND span = %s AND start > now() - make_interval(secs => %s) GROUP BY 1
"""


def of_providers(read: Reader, period: Period) -> list[Quality]:
    """Return how all providers have done to which anything was sent, those with most orders first."""
    return _with_durations(read.rows(By.PROVIDER, period, Order("orders", descending=True)), Kind.PROVIDER, period)


def of_offers(read: Reader, provider: int, period: Period, *, limit: int) -> list[Quality]:
    """Return how what a provider sells has done, what was ordered most first."""
    order = Order("orders", descending=True, limit=limit)
    return _with_durations(read.rows(By.OFFER, period, order, of_provider=provider), Kind.OFFER, period)


def of_all_offers(read: Reader, provider: int, period: Period) -> Generator[list[Quality]]:
    """Return how all that a provider sells has done in portions, as `Reader.portions`; times are of when it is read."""
    portions = read.portions(By.OFFER, period, Order("orders", descending=True), of_provider=provider)
    return _portions_with_durations(portions, period)


def _portions_with_durations(portions: Generator[list[Row]], period: Period) -> Generator[list[Quality]]:
    with closing(portions):
        for rows in portions:
            yield _with_durations(rows, Kind.OFFER, period)


def lately() -> dict[int, Sums]:
    """Return what came of the attempts of the last hour, by provider: `orders` sent, `refused` and `unsure`."""
    with connection.cursor() as cursor:
        cursor.execute(_LATELY, [Kind.PROVIDER.value, Span.MINUTE.value, LATELY_SECONDS])
        return {
            provider: Sums(orders=orders, refused=refused, unsure=unsure)
            for provider, orders, refused, unsure in cursor.fetchall()
        }


def quantile(buckets: Buckets, share: float) -> timedelta | None:
    """Return what this share of the durations is not above; it is right to within a bucket, a quarter of itself."""
    left = share * sum(buckets.values())
    for bucket, orders in sorted(buckets.items()):
        if left <= orders:
            return timedelta(seconds=GROWTH ** (bucket + left / orders))
        left -= orders
    return None


def _with_durations(rows: Sequence[Row], kind: Kind, period: Period) -> list[Quality]:
    found: defaultdict[tuple[Any, int], Buckets] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_DURATIONS, [kind.value, [row.subject for row in rows], period.first, period.last])
        for subject, phase, bucket, orders in cursor.fetchall():
            found[subject, phase][bucket] = orders
    return [
        Quality(row.subject, row.sums, found[row.subject, Phase.START], found[row.subject, Phase.COMPLETION])
        for row in rows
    ]
