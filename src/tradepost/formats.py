"""Numbers, money and times as people read them: in the reader's language and time zone, by the tables of Babel.

The language is the one that Django has activated, the zone too. Texts for programs and files have exact digits instead
(`engine.money.show`, ISO 8601). What is shortened on the page has the exact value in its tooltip.
"""

import re
import zoneinfo
from collections.abc import Iterable
from copy import copy
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_timedelta, get_timezone_location
from babel.lists import format_list
from babel.numbers import NumberPattern, format_decimal, format_percent, get_currency_precision
from babel.units import format_unit
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString

NOTHING = "–"  # shown in place of a missing value
EXACT_PLACES_MIN = 2
RATE_EXTRA_PLACES = 2  # a rate is per 1,000, so its small digits matter more than those of an amount
PERCENT_PLACES = 1  # of percentages in a column
DURATION_UNITS_MAX = 2
RELATIVE_DAYS_MAX = 7  # an older time is shown as a date
NO_BREAK_SPACE = "\u00a0"

_CACHED_MAX = 10_000  # texts of each kind: lists are shown again and again, and Babel takes long for a text
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_CODE_AND_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)")  # a currency without a symbol: `KWD 1.250`
_FALLBACK = "en"


def locale() -> Locale:
    """Return the reader's locale: that of the language that Django has activated."""
    return _locale(translation.get_language() or _FALLBACK)


def whole(value: int | None) -> str:
    """Format a whole number with its digits grouped: `10,000`, `10.000`."""
    return NOTHING if value is None else _whole_text(value, locale())


def exact_number(value: Decimal) -> str:
    """Format an amount or a rate without its currency, with every digit that it has and at least two decimals."""
    places = max(EXACT_PLACES_MIN, _places(value))
    text: str = _with_places(locale().decimal_formats[None], places).apply(value, locale())
    return text


def percent(value: Decimal, places: int = 1) -> str:
    """Format a share of 1 as a percentage with at most so many decimals: `12.5%`, `12,5 %`."""
    return format_percent(_round(value, places + 2), locale=locale(), decimal_quantization=False)


def column_percent(value: Decimal) -> str:
    """Format a share of 1 as a percentage with one decimal, so that the marks of a column are below each other."""
    text: str = _with_places(locale().percent_formats[None], PERCENT_PLACES).apply(
        _round(value, 2 + PERCENT_PLACES), locale()
    )
    return text


def change_percent(value: Decimal) -> str:
    """Format a change as a percentage with one decimal and its sign: `+12.5%`, `-3.0%`."""
    text = column_percent(value)
    return f"+{text}" if _round(value, 2 + PERCENT_PLACES) > 0 else text


def currency_places(currency: str) -> int:
    """Return how many decimals the currency (ISO 4217) has: 2 for USD, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def money(value: Decimal | None, currency: str) -> str:
    """Format an amount with the currency's symbol and decimals, rounded half up: `$1,350.90`, `¥250`.

    An amount that would be rounded to zero keeps all its digits: `$0.00045`.
    """
    if value is None:
        return NOTHING
    return _money_text(value, currency, currency_places(currency), locale())


def rate(value: Decimal | None, currency: str) -> str:
    """Format a price per 1,000: as `money`, with up to two more decimals if it has them: `$0.90`, `$0.0125`."""
    if value is None:
        return NOTHING
    places = currency_places(currency)
    rounded = _round(value, places + RATE_EXTRA_PLACES)
    return _money_text(rounded or value, currency, max(places, _places(rounded)), locale())


def exact_money(value: Decimal, currency: str) -> str:
    """Format an amount or a rate with every digit that it has, and at least the currency's decimals."""
    return _money_text(value, currency, max(currency_places(currency), _places(value)), locale())


def money_html(value: Decimal | None, currency: str) -> SafeString:
    """Render `money`; the exact amount is in the tooltip if digits are left out."""
    return _with_exact(money(value, currency), value, currency)


def rate_html(value: Decimal | None, currency: str, places: int | None = None) -> SafeString:
    """Render `rate`; the exact rate is in the tooltip if digits are left out.

    In a column, pass `rate_places`: all rates then have as many decimals, and their decimal marks are below each other.
    """
    if value is None or places is None or not _round(value, places):
        return _with_exact(rate(value, currency), value, currency)
    return _with_exact(_money_text(value, currency, places, locale()), value, currency)


def rate_places(rates: Iterable[Decimal], currency: str) -> int:
    """Return how many decimals a column of these rates needs."""
    places = currency_places(currency)
    return max([places, *(_places(_round(each, places + RATE_EXTRA_PLACES)) for each in rates)])


def day(value: date | datetime) -> str:
    """Format a date: `26 Nov 2026`. A datetime's date is that of the reader's zone."""
    return _day_text(_date(value), "yMMMd", locale())


def short_day(value: date | datetime) -> str:
    """Format a date without its year, for axes and narrow columns: `26 Nov`."""
    return _day_text(_date(value), "MMMd", locale())


def month(value: date) -> str:
    """Format a month with its year: `Nov 2026`."""
    return _day_text(value, "yMMM", locale())


def moment(at: datetime | None) -> str:
    """Format a time to the minute in the reader's zone: `26 Nov 2026, 10:36`."""
    return NOTHING if at is None else f"{day(at)}, {_local(at):%H:%M}"


def exact_moment(at: datetime) -> str:
    """Format a time to the second, with the zone: `26 Nov 2026, 10:36:51 (America/New York)`."""
    return f"{day(at)}, {_local(at):%H:%M:%S} ({zone_label()})"


def moment_html(at: datetime | None, *, exact: bool = False) -> SafeString:
    """Render `moment`, or the seconds and the zone too if `exact`. The tooltip has the exact time."""
    if at is None:
        return format_html("{}", NOTHING)
    return _moment_html(at, timezone.get_current_timezone(), locale(), exact=exact)


def ago(at: datetime) -> str:
    """Format how long ago something was, or until it will be: `3 minutes ago`. After a week: the date."""
    past = at - timezone.now()
    if abs(past) >= timedelta(days=RELATIVE_DAYS_MAX):
        return day(at)
    return format_timedelta(past, add_direction=True, threshold=1, locale=locale())


def ago_html(at: datetime | None) -> SafeString:
    """Render `ago`. The tooltip has the exact time."""
    return _time_html(at, ago(at) if at else NOTHING)


def duration(length: timedelta) -> str:
    """Format a duration in its two largest units that are not zero: `3 days 4 hr`, `25 sec`."""
    minutes, seconds = divmod(max(round(length.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = {"day": days, "hour": hours, "minute": minutes, "second": seconds}
    first = next((place for place, number in enumerate(units.values()) if number), len(units) - 1)
    shown = [(number, unit) for unit, number in units.items()][first : first + DURATION_UNITS_MAX]
    texts = [_in_unit(number, unit) for number, unit in shown if number] or [_in_unit(0, "second")]
    return format_list(texts, "unit-narrow", locale())  # some languages of Babel lack a part of the wider ones


def milliseconds(value: float) -> str:
    """Format a number of milliseconds: `1,250 ms`."""
    return _in_unit(round(value), "millisecond")


def zone_label(name: str = "") -> str:
    """Return a time zone's name for people, by default that of the reader's zone: `America/New York`, `UTC`."""
    return (name or timezone.get_current_timezone_name()).replace("_", " ")


@lru_cache(maxsize=8)
def zone_choices(language: str) -> list[tuple[str, str]]:
    """Return the zones that people choose from: each name with a label that a search for the city finds.

    Zones that are only another name for one of these are left out. The labels are in the language.
    """
    at = timezone.now()
    choices = []
    for name in sorted(zoneinfo.available_timezones()):
        if name == "UTC" or ("/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))):
            city = get_timezone_location(name, locale=_locale(language), return_city=True) if "/" in name else "UTC"
            offset = at.astimezone(zoneinfo.ZoneInfo(name)).strftime("%:z")
            choices.append((name, f"{zone_label(name)} ({city}, UTC{offset})"))
    return choices


def find_zone(text: str) -> str | None:
    """Return the name of the zone that a person typed: its name, or its city in English or the reader's language."""
    wanted = text.strip().replace("_", " ").casefold()
    for name, label in zone_choices(translation.get_language() or _FALLBACK):
        city = label.partition("(")[2].partition(", UTC")[0]
        names = (name, name.rpartition("/")[2], city, label)
        if wanted in {each.replace("_", " ").casefold() for each in names}:
            return name
    return None


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(_FALLBACK)


@lru_cache(maxsize=_CACHED_MAX)
def _whole_text(value: int, reader: Locale) -> str:
    return format_decimal(value, locale=reader)


@lru_cache(maxsize=_CACHED_MAX)
def _money_text(value: Decimal, currency: str, places: int, reader: Locale) -> str:
    rounded = _round(value, places)
    if value and not rounded:
        return _money_text(value, currency, _places(value), reader)
    text: str = _with_places(reader.currency_formats["standard"], places).apply(
        rounded, reader, currency=currency, currency_digits=False
    )
    return _CODE_AND_DIGIT.sub(NO_BREAK_SPACE, text)


@lru_cache(maxsize=200)
def _with_places(pattern: NumberPattern, places: int) -> NumberPattern:
    """Return the pattern with a fixed number of decimals."""
    fixed = copy(pattern)
    fixed.frac_prec = (places, places)
    return fixed


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), context=_EXACT)


def _places(value: Decimal) -> int:
    """Return how many decimals the number has, without zeros at its end."""
    exponent = value.normalize(_EXACT).as_tuple().exponent
    assert isinstance(exponent, int), "no amount is infinite"
    return max(-exponent, 0)


def _with_exact(text: str, value: Decimal | None, currency: str) -> SafeString:
    if value is None:
        return format_html("{}", text)
    return _amount_html(_plain(value), text, exact_money(value, currency))


@lru_cache(maxsize=_CACHED_MAX)
def _amount_html(plain: str, text: str, exact: str) -> SafeString:
    if exact == text:
        return format_html('<data class="amount" value="{}">{}</data>', plain, text)
    return format_html('<data class="amount" value="{}" title="{}">{}</data>', plain, exact, text)


def _plain(value: Decimal) -> str:
    return format(value, "f")


def _in_unit(number: int, unit: str) -> str:
    return format_unit(number, unit, length="short", locale=locale())


def _local(at: datetime) -> datetime:
    return timezone.localtime(at) if timezone.is_aware(at) else at


def _date(value: date | datetime) -> date:
    return _local(value).date() if isinstance(value, datetime) else value


@lru_cache(maxsize=1_000)
def _day_text(value: date, skeleton: str, reader: Locale) -> str:
    """Format a date in the order of the reader's language. English is the world's: the day comes first."""
    if reader.language == "en":
        reader = _locale("en-001")
    text: str = reader.datetime_skeletons[skeleton].apply(value, reader)
    return text


@lru_cache(maxsize=_CACHED_MAX)
def _moment_html(at: datetime, _zone: tzinfo, _reader: Locale, *, exact: bool) -> SafeString:
    """Render a time. Zone and locale are those in force: they are arguments so that each has its own texts."""
    return _time_html(at, exact_moment(at) if exact else moment(at))


def _time_html(at: datetime | None, text: str) -> SafeString:
    if at is None:
        return format_html("{}", text)
    iso = _local(at).isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', iso, exact_moment(at), text)
