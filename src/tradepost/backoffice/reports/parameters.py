"""What a report is asked for in its address: days, order and page. What can't be is as if it had not been asked."""

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
USUAL = "30"


class Preset(msgspec.Struct, frozen=True):
    """A period that needs no calendar, given today."""

    name: str
    title: str
    period: Callable[[date], Period]


def _last(days: int) -> Callable[[date], Period]:
    return lambda today: Period(today - (days - 1) * DAY, today)


def _last_month(today: date) -> Period:
    last = today.replace(day=1) - DAY
    return Period(last.replace(day=1), last)


PRESETS = (
    Preset("today", "Today", _last(1)),
    Preset("yesterday", "Yesterday", lambda today: Period(today - DAY, today - DAY)),
    Preset("7", "7 days", _last(7)),
    Preset(USUAL, "30 days", _last(30)),
    Preset("90", "90 days", _last(90)),
    Preset("month", "This month", lambda today: Period(today.replace(day=1), today)),
    Preset("last-month", "Last month", _last_month),
    Preset("year", "This year", lambda today: Period(today.replace(month=1, day=1), today)),
    Preset("365", "365 days", _last(365)),
)


class ReportParameters(msgspec.Struct, frozen=True):
    """Days, order (a column, with `-` before it for the largest first) and page, from 1."""

    period: Period
    preset: str
    sort: str
    page: int
    parameters: QueryDict

    def address(self, **changes: str | int) -> str:
        """Return what follows the `?` for the same report with something else about it; on its first page."""
        parameters = self.parameters.copy()
        parameters.pop("page", None)
        if "preset" in changes:
            parameters.pop("from", None)
            parameters.pop("to", None)
        for name, value in changes.items():
            parameters[name] = str(value)
        return f"?{parameters.urlencode()}"


def parse_parameters(request: HttpRequest) -> ReportParameters:
    """Read an address. Days that are given win over a preset; without either it is the last 30 days."""
    given = request.GET
    today = dates.today().date()
    presets = {preset.name: preset for preset in PRESETS}
    name = given.get("preset", "")
    preset = presets.get(name, presets[USUAL])
    first, last = _day(given.get("from", "")), _day(given.get("to", ""))
    is_free = first is not None or last is not None
    period = _between(first, last, today) if is_free else preset.period(today)
    page = given.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < len(str(PAGES_MAX)) else 1
    return ReportParameters(period, "" if is_free else preset.name, given.get("sort", ""), max(number, 1), given)


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
