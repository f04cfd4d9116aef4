"""The query string of a report: days, sort order and page. Invalid values are ignored."""

from collections.abc import Callable
from datetime import date, timedelta

import msgspec
from django.http import HttpRequest, QueryDict
from django.utils.dateparse import parse_date

from tradepost.backoffice.ui import dates
from tradepost.reports.periods import DAY, Period

DAYS_MAX = 3_660
ROWS_A_PAGE = 100
PAGES_MAX = 10_000
PRESET_DEFAULT = "30"


class Preset(msgspec.Struct, frozen=True):
    """A named period, computed from today's date."""

    name: str
    title: str
    period: Callable[[date], Period]


def _last_days(days: int) -> Callable[[date], Period]:
    return lambda today: Period(today - (days - 1) * DAY, today)


def _last_month(today: date) -> Period:
    last = today.replace(day=1) - DAY
    return Period(last.replace(day=1), last)


PRESETS = (
    Preset("today", "Today", _last_days(1)),
    Preset("yesterday", "Yesterday", lambda today: Period(today - DAY, today - DAY)),
    Preset("7", "7 days", _last_days(7)),
    Preset(PRESET_DEFAULT, "30 days", _last_days(30)),
    Preset("90", "90 days", _last_days(90)),
    Preset("month", "This month", lambda today: Period(today.replace(day=1), today)),
    Preset("last-month", "Last month", _last_month),
    Preset("year", "This year", lambda today: Period(today.replace(month=1, day=1), today)),
    Preset("365", "365 days", _last_days(365)),
)


class ReportParameters(msgspec.Struct, frozen=True):
    """The period, the sort order (a column; `-` in front sorts from the largest), and the page, from 1."""

    period: Period
    preset: str
    sort: str
    page: int
    parameters: QueryDict

    def address(self, **changes: str | int) -> str:
        """Return the query string of this report with some parameters changed, on its first page."""
        parameters = self.parameters.copy()
        parameters.pop("page", None)
        if "preset" in changes:
            parameters.pop("from", None)
            parameters.pop("to", None)
        for name, value in changes.items():
            parameters[name] = str(value)
        return f"?{parameters.urlencode()}"


def parse_parameters(request: HttpRequest) -> ReportParameters:
    """Parse a query string. Days win over a preset; without either, the period is the last 30 days."""
    query = request.GET
    today = dates.start_of_today().date()
    presets = {preset.name: preset for preset in PRESETS}
    name = query.get("preset", "")
    preset = presets.get(name, presets[PRESET_DEFAULT])
    first, last = _day(query.get("from", "")), _day(query.get("to", ""))
    has_days = first is not None or last is not None
    period = _between(first, last, today) if has_days else preset.period(today)
    text = query.get("page", "")
    page = int(text) if text.isascii() and text.isdigit() and len(text) < len(str(PAGES_MAX)) else 1
    return ReportParameters(period, "" if has_days else preset.name, query.get("sort", ""), max(page, 1), query)


def _between(first: date | None, last: date | None, today: date) -> Period:
    last = last or max(today, first or today)
    first = first or last
    first, last = min(first, last), max(first, last)
    return Period(max(first, last - timedelta(days=DAYS_MAX - 1)), last)


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day and day.year in dates.YEARS else None
