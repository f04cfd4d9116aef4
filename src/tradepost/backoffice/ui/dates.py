"""Days, in UTC: today, what is typed for one, and the filter of a list by days."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from tradepost.backoffice.ui.unfold_admin import RangeDateFilter
from tradepost.id_ranges import filter_between

YEARS = range(2000, 2200)  # what is typed beyond them is taken for a slip


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

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down; what is no date narrows nothing."""
        start, end = self._day("from"), self._day("to")
        return filter_between(queryset, self.field_path, start, end + timedelta(days=1) if end else None)

    def _day(self, side: str) -> datetime | None:
        return day_of(str(self.used_parameters.get(f"{self.field_path}_{side}", "")))
