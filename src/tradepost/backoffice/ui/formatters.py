"""How the back office writes amounts, times, states and links."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tradepost.engine import money
from tradepost.engine.statuses import Status

LINK_CHARS_MAX = 28
NOTHING = "–"  # shown in place of a missing value
SCHEMES = ("https://", "http://")  # of links that may be clicked: customers may type anything
STATUS_COLOURS = {
    Status.PENDING: "",
    Status.PROCESSING: "info",
    Status.IN_PROGRESS: "info",
    Status.COMPLETED: "success",
    Status.PARTIAL: "warning",
    Status.CANCELED: "danger",
    Status.ACTIVE: "info",
    Status.PAUSED: "warning",
    Status.EXPIRED: "",
}


def numeric_column[**P, R](description: str, *, ordering: object = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give a column of numbers its title and align it right."""

    def decorate(column: Callable[P, R]) -> Callable[P, R]:
        column.__dict__.update(short_description=description, formatting="price")
        if ordering:
            column.__dict__["admin_order_field"] = ordering
        return column

    return decorate


def amount(value: Decimal | None) -> str:
    """Format an amount or a rate as the API does."""
    return NOTHING if value is None else money.show(value)


def grouped_amount(value: Decimal) -> str:
    """Format an amount for people: as the API does, with thousands separators."""
    whole, _, decimals = money.show(abs(value)).partition(".")
    return f"{'−' if value < 0 else ''}{int(whole):,}.{decimals}"


def money_cell(value: Decimal | None, *, sign: str = "") -> SafeString | str:
    """Format an amount in a table to the cent, with thousands separators. The tooltip has the exact amount.

    Amounts that the cent would hide are exact.
    """
    if value is None:
        return NOTHING
    exact = grouped_amount(value)
    text = rounded_amount(value) if money.to_cents(value) or not value else exact
    return format_html('<span class="tp-money" title="{}">{}{}</span>', f"{sign}{exact}", sign, text)


def count(value: int | None) -> SafeString | str:
    """Format a whole number with thousands separators."""
    return NOTHING if value is None else format_html('<span class="tp-money">{}</span>', f"{value:,}")


def rounded_amount(value: Decimal) -> str:
    """Format an amount to the cent. Use it only where the page shows the exact amount too."""
    return grouped_amount(money.to_cents(value))


def duration(length: timedelta) -> str:
    """Format a duration in its two largest units that are not zero, of days, hours and minutes."""
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    units = ((hours // 24, "d"), (hours % 24, "h"), (minutes, "min"))
    return " ".join([f"{number} {unit}" for number, unit in units if number][:2]) or "0 min"


@lru_cache(maxsize=1_000)
def badge(text: str, colour: str = "") -> SafeString:
    """Render a label. Colours are `success`, `info`, `warning`, `danger` and `primary`; the default is grey."""
    context = {"text": text, "type": colour, "class": "tp-label"}
    return mark_safe(render_to_string("unfold/helpers/label.html", context).strip())  # noqa: S308 - the template escapes


def status_badge(value: str) -> SafeString:
    """Render an order's status in its colour, in the words that customers see."""
    return badge(value, STATUS_COLOURS[Status(value)])


def short_link(link: str) -> SafeString:
    """Shorten a link to one line by cutting its middle. The tooltip has all of it."""
    text = link
    for scheme in SCHEMES:
        text = text.removeprefix(scheme)
    if len(text) > LINK_CHARS_MAX:
        half = LINK_CHARS_MAX // 2
        text = f"{text[:half]}…{text[-half:]}"
    return format_html('<span class="tp-nowrap" title="{}">{}</span>', link, text)


def full_link(link: str) -> SafeString | str:
    """Render a whole link. It can be clicked only if it is a web address: customers may type anything."""
    if not link.startswith(SCHEMES):
        return link or NOTHING
    return format_html(
        '<a class="tp-link" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>', link, link
    )


def page_link(url: str, text: str) -> SafeString:
    """Render a link to another page of the back office."""
    return format_html('<a class="tp-link tp-nowrap" href="{}">{}</a>', url, text)


def account_link(account: Any) -> SafeString:
    """Render the account with a link to its page. A test account has no page, so its owner's is linked."""
    url = reverse("admin:accounts_account_change", args=[account.test_of_id or account.pk])
    return format_html('<a class="tp-link" href="{}">{}</a>', url, account)


def truncated(text: str) -> SafeString:
    """Cut the end of a name so that it fits one line. The tooltip has all of it."""
    return format_html('<span class="tp-short" title="{}">{}</span>', text, text)


def timestamp(at: datetime | None, *, exact: bool = False) -> SafeString | str:
    """Format a time to the minute, or to the second if `exact`. The tooltip has the date and the seconds."""
    if at is None:
        return NOTHING
    precise = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    text = precise if exact else f"{at:%d %b %H:%M}"
    return format_html('<time class="tp-nowrap" title="{}">{}</time>', precise, text)


def count_column(name: str, description: str) -> Callable[[Any, Any], SafeString | str]:
    """Make a column that shows the whole number in a row's field `name`, with thousands separators."""

    @numeric_column(description, ordering=name)
    def column(_admin: Any, row: Any) -> SafeString | str:
        return count(getattr(row, name))

    return column


def timestamp_column(name: str, description: str, *, exact: bool = False) -> Callable[[Any, Any], SafeString | str]:
    """Make a column that shows the time in a row's field `name`: to the minute, or to the second if `exact`."""

    def column(_admin: Any, row: Any) -> SafeString | str:
        return timestamp(getattr(row, name), exact=exact)

    column.__dict__["short_description"] = description
    return column
