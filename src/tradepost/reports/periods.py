"""Periods of days in UTC, and the stretches of totals that cover them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from tradepost.reports.measures import Span

DAY = timedelta(days=1)
MONTH_DAYS = 8  # a month has about as many totals as 8 of its days, since few customers order every day


class Stretch(msgspec.Struct, frozen=True):
    """The totals of one span that begin at or after `start` and before `end`.

    If `is_subtracted`, these totals are subtracted from those of the other stretches.
    """

    span: Span
    start: datetime
    end: datetime
    is_subtracted: bool = False

    def starts(self) -> list[datetime]:
        """Return the moments at which the totals begin."""
        moments = []
        start = self.start.date()
        while midnight(start) < self.end:
            moments.append(midnight(start))
            start = _next(self.span, start)
        return moments


class Period(msgspec.Struct, frozen=True):
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """The period of the same length just before this one."""
        return Period(self.first - self.days * DAY, self.first - DAY)

    @property
    def start(self) -> datetime:
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The midnight after the last day."""
        return midnight(self.last + DAY)

    def dates(self) -> Iterator[date]:
        return (self.first + number * DAY for number in range(self.days))

    def stretches(self, today: date) -> list[Stretch]:
        """Cover the period with whole years and months, plus the days before and after them: as few totals as possible.

        Nothing is booked after today. So if the period reaches today, the current month and year count as whole.
        """
        end = date(self.last.year + 1, 1, 1) if self.last >= today else self.last + DAY
        stretches: list[Stretch] = []
        day = self.first
        while day < end:
            span, after = _longest(day, end)
            start = midnight(day)
            if stretches and stretches[-1].span is span:
                start = stretches.pop().start
            stretches.append(Stretch(span, start, midnight(after)))
            day = after
        return stretches

    def fewest_stretches(self, today: date) -> list[Stretch]:
        """Like `stretches`, but cover most of a month by the month minus its other days. For sums only.

        A subject that appears only on the subtracted days gets a row of zeros.
        """
        fewest: list[Stretch] = []
        for stretch in self.stretches(today):
            fewest += _by_month(stretch) if stretch.span is Span.DAY else [stretch]
        return fewest


def _by_month(stretch: Stretch) -> Iterator[Stretch]:
    """For each month yield its days in the stretch, or the month minus its other days if that is fewer totals."""
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
                    yield Stretch(Span.DAY, midnight(since), midnight(until), is_subtracted=True)
        first = after


def _next(span: Span, day: date) -> date:
    """Return the day after the span that begins with this day."""
    if span is Span.YEAR:
        return date(day.year + 1, 1, 1)
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) if span is Span.MONTH else day + DAY


def _longest(day: date, end: date) -> tuple[Span, date]:
    """Return the longest span that begins on this day and ends by `end`, and the day after it."""
    begins = [
        Span.DAY,
        *([Span.MONTH] if day.day == 1 else []),
        *([Span.YEAR] if (day.month, day.day) == (1, 1) else []),
    ]
    return next((span, after) for span in reversed(begins) if (after := _next(span, day)) <= end)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
