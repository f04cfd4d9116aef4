"""Days, all in UTC: today, a typed day, and the filter of a list by days."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from tradepost.backoffice.ui.unfold_admin import RangeDateFilter
from tradepost.id_ranges import between

YEARS = range(2000, 2200)  # a year outside is taken for a typing error


def start_of_today() -> datetime:
    return datetime.combine(timezone.now().date(), time(), UTC)


def parse_day(text: str) -> datetime | None:
    """Return when the typed day begins; None if the text is no date or its year is outside `YEARS`."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return datetime.combine(day, time(), UTC) if day and day.year in YEARS else None


class DayFilter(RangeDateFilter):
    """Rows from one day to another, both included. A text that is no date does not filter."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        start, end = self._day("from"), self._day("to")
        return between(queryset, self.field_path, start, end + timedelta(days=1) if end else None)

    def _day(self, side: str) -> datetime | None:
        return parse_day(str(self.used_parameters.get(f"{self.field_path}_{side}", "")))
