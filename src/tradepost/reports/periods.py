"""Stretches of days, in UTC."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from tradepost.reports.measures import Span

DAY = timedelta(days=1)
MONTH_DAYS = 8  # a month has about as many totals as so many of its days: not everybody orders every day


class Stretch(msgspec.Struct, frozen=True):
    """Totals of one span that begin from `start` on and before `end`; `is_less`: to be taken off the others."""

    span: Span
    start: datetime
    end: datetime
    is_less: bool = False

    def starts(self) -> list[datetime]:
        """Return when each of them begins."""
        found = []
        start = self.start.date()
        while midnight(start) < self.end:
            found.append(midnight(start))
            start = _next(self.span, start)
        return found


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

    def stretches(self, today: date) -> list[Stretch]:
        """Return it as whole years and months, with the days before and after them: as few totals as can be.

        Nothing happens after today: a month or a year that is not over is whole, if the period goes on to today.
        """
        end = date(self.last.year + 1, 1, 1) if self.last >= today else self.last + DAY
        found: list[Stretch] = []
        day = self.first
        while day < end:
            span, after = _longest(day, end)
            start = midnight(day)
            if found and found[-1].span is span:
                start = found.pop().start
            found.append(Stretch(span, start, midnight(after)))
            day = after
        return found

    def fewest(self, today: date) -> list[Stretch]:
        """Return it as `stretches`, but most of a month as the month less its other days: for sums only.

        What was only on the other days comes to nothing, and is there all the same.
        """
        found: list[Stretch] = []
        for stretch in self.stretches(today):
            found += _by_month(stretch) if stretch.span is Span.DAY else [stretch]
        return found


def _by_month(stretch: Stretch) -> Iterator[Stretch]:
    """Yield the days of each month, or the month less its other days where that is fewer totals."""
    first, end = stretch.start.date(), stretch.end.date()
    while first < end:
        month = first.replace(day=1)
        next_month = _next(Span.MONTH, month)
        after = min(end, next_month)
        others = [(month, first), (after, next_month)]
        if (after - first).days <= MONTH_DAYS + sum((until - since).days for since, until in others):
            yield Stretch(Span.DAY, midnight(first), midnight(after))
        else:
            yield Stretch(Span.MONTH, midnight(month), midnight(next_month))
            for since, until in others:
                if since < until:
                    yield Stretch(Span.DAY, midnight(since), midnight(until), is_less=True)
        first = after


def _next(span: Span, day: date) -> date:
    """Return the day after the span that begins with this day."""
    if span is Span.YEAR:
        return date(day.year + 1, 1, 1)
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) if span is Span.MONTH else day + DAY


def _longest(day: date, end: date) -> tuple[Span, date]:
    """Return the longest span that begins with this day and is over at `end`, and what day follows it."""
    begins = [
        Span.DAY,
        *([Span.MONTH] if day.day == 1 else []),
        *([Span.YEAR] if (day.month, day.day) == (1, 1) else []),
    ]
    return next((span, after) for span in reversed(begins) if (after := _next(span, day)) <= end)


def midnight(day: date) -> datetime:
    """Return when a day begins."""
    return datetime.combine(day, time(), UTC)
