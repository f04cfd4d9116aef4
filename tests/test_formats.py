"""Numbers, money and times are written as the reader's language writes them."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from tradepost import formats

AT = datetime(2026, 11, 26, 15, 36, 51, tzinfo=UTC)
AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=5)


@pytest.mark.parametrize(
    ("language", "number", "amount"),
    [
        ("en", "10,000", "$1,350.91"),
        ("es", "10.000", "1.350,91\u00a0US$"),
        ("ru", "10\u00a0000", "1\u00a0350,91\u00a0$"),
    ],
)
def test_digits_are_grouped_as_the_readers_language_groups_them(language: str, number: str, amount: str) -> None:
    with translation.override(language):
        assert formats.whole(10_000) == number
        assert formats.money(Decimal("1350.905"), "USD") == amount


@pytest.mark.parametrize(
    ("currency", "text"), [("USD", "$1,250.00"), ("JPY", "¥1,250"), ("KWD", "KWD\u00a01,250.000"), ("EUR", "€1,250.00")]
)
def test_an_amount_has_the_decimals_of_its_currency(currency: str, text: str) -> None:
    assert formats.money(Decimal("1250.00000"), currency) == text


def test_digits_that_are_left_out_are_in_the_tooltip() -> None:
    assert 'title="$12.34567"' in formats.money_html(Decimal("12.34567"), "USD")
    assert "title" not in formats.money_html(Decimal("12.30000"), "USD")
    assert formats.money_html(None, "USD") == "–"


def test_an_amount_is_never_rounded_to_zero() -> None:
    assert formats.money(Decimal("0.00045"), "USD") == "$0.00045"
    assert formats.money(Decimal("-0.4"), "JPY") == "-¥0.4"
    assert formats.money(Decimal(0), "USD") == "$0.00"


def test_rates_of_one_column_have_their_decimal_marks_at_the_same_place() -> None:
    rates = [Decimal(text) for text in ("0.9000000", "1.2500000", "0.0125000", "0.0125678")]
    assert formats.rate_places(rates[:2], "USD") == 2
    places = formats.rate_places(rates, "USD")
    cells = [formats.rate_html(rate, "USD", places) for rate in rates]
    shown = [cell.partition(">")[2].removesuffix("</data>") for cell in cells]
    assert shown == ["$0.9000", "$1.2500", "$0.0125", "$0.0126"]
    assert 'title="$0.0125678"' in cells[3]


@given(AMOUNTS)
def test_the_exact_amount_can_be_read_back(value: Decimal) -> None:
    text = formats.exact_money(value, "USD")
    assert Decimal(text.replace("$", "").replace(",", "")) == value


def test_a_time_is_written_in_the_readers_zone_and_its_tooltip_names_the_zone() -> None:
    with timezone.override(zoneinfo.ZoneInfo("America/New_York")):
        html = formats.moment_html(AT)
    assert html == (
        '<time datetime="2026-11-26T10:36:51-05:00" title="26 Nov 2026, 10:36:51 (America/New York)">'
        "26 Nov 2026, 10:36</time>"
    )


def test_a_recent_time_is_relative_and_an_old_one_is_a_date() -> None:
    now = timezone.now()
    assert formats.ago(now - timedelta(minutes=3)) == "3 minutes ago"
    assert formats.ago(AT - timedelta(days=20_000)) == "23 Feb 1972"
    with translation.override("ru"):
        assert formats.ago(now - timedelta(hours=2)) == "2 часа назад"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 sec"),
        (59, "59 sec"),
        (61, "1 min 1 sec"),
        (7_260, "2 hr 1 min"),
        (86_400, "1 day"),
        (90_061, "1 day 1 hr"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(seconds: int, text: str) -> None:
    assert formats.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("language", "text"), [("es", "2 h 1 min"), ("ru", "2 ч 1 мин")])
def test_a_duration_is_written_in_the_readers_language(language: str, text: str) -> None:
    with translation.override(language):
        assert formats.duration(timedelta(minutes=121)) == text


def test_percentages_of_one_column_have_as_many_decimals() -> None:
    assert [formats.column_percent(Decimal(share)) for share in ("1", "0.025", "0")] == ["100.0%", "2.5%", "0.0%"]
    assert [formats.change_percent(Decimal(share)) for share in ("0.5", "-0.123", "0")] == ["+50.0%", "-12.3%", "0.0%"]


def test_a_zone_is_found_by_its_city_in_the_readers_language() -> None:
    labels = dict(formats.zone_choices("es"))
    assert "Nueva York" in labels["America/New_York"]
    assert all(zoneinfo.ZoneInfo(name) for name in labels)
