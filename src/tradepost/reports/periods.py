"""Stretches of days, in UTC."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from tradepost.reports.measures import Span

DAY = timedelta(days=1)


class Stretch(msgspec.Struct, frozen=True):
    """Totals of one span that begin from `start` on and before `end`."""

    span: Span
    start: datetime
    end: datetime


class Period(msgspec.Struct, frozen=True):
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """As many days, the ones before."""
        return Period(self.first - self.days * DAY, self.first - DAY)

    @property
    def start(self) -> datetime:
        """When it begins."""
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """When it is over."""
        return midnight(self.last + DAY)

    def each(self) -> Iterator[date]:
        """Yield its days."""
        return (self.first + number * DAY for number in range(self.days))

    def stretches(self) -> list[Stretch]:
        """Return it as whole months, with the days before and after them: as few totals as can be."""
        months_from = self.first if self.first.day == 1 else _next_month(self.first)
        months_to = (self.last + DAY).replace(day=1)
        if months_from >= months_to:
            return [Stretch(Span.DAY, self.start, self.end)]
        around = [
            Stretch(Span.DAY, self.start, midnight(months_from)),
            Stretch(Span.MONTH, midnight(months_from), midnight(months_to)),
            Stretch(Span.DAY, midnight(months_to), self.end),
        ]
        return [stretch for stretch in around if stretch.start < stretch.end]


def midnight(day: date) -> datetime:
    """Return when a day begins."""
    return datetime.combine(day, time(), UTC)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
