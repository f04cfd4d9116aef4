"""How the back office writes amounts, times, states and links. Numbers and times are written by `tradepost.formats`."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tradepost import formats
from tradepost.engine.link_rules import WEB_SCHEMES
from tradepost.engine.statuses import Status
from tradepost.site_settings.effective import currency

LINK_CHARS_MAX = 28
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


def money(value: Decimal | None) -> SafeString:
    """Render an amount in the currency of the books. The tooltip has the exact amount."""
    return formats.money_html(value, currency())


def signed_money(value: Decimal) -> SafeString:
    """Render an amount that moves: with a plus if it is above zero."""
    return format_html("{}{}", "+" if value > 0 else "", money(value))


def money_text(value: Decimal) -> str:
    """Format an amount with every digit that it has, for sentences: those have no tooltips."""
    return formats.exact_money(value, currency())


def rate(value: Decimal | None, places: int | None = None) -> SafeString:
    """Render a price per 1,000 in the currency of the books. For a column, pass its `rate_places`."""
    return formats.rate_html(value, currency(), places)


def rate_places(rates: Iterable[Decimal]) -> int:
    """Return how many decimals a column of these rates needs."""
    return formats.rate_places(rates, currency())


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
    for scheme in WEB_SCHEMES:
        text = text.removeprefix(scheme)
    if len(text) > LINK_CHARS_MAX:
        half = LINK_CHARS_MAX // 2
        text = f"{text[:half]}…{text[-half:]}"
    return format_html('<span class="tp-nowrap" title="{}">{}</span>', link, text)


def full_link(link: str) -> SafeString | str:
    """Render a whole link. It can be clicked only if it is a web address: customers may type anything."""
    if not link.startswith(WEB_SCHEMES):
        return link or formats.NOTHING
    return format_html(
        '<a class="tp-link" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>', link, link
    )


def page_link(url: str, text: str) -> SafeString:
    """Render a link to another page of the back office."""
    return format_html('<a class="tp-link tp-nowrap" href="{}">{}</a>', url, text)


def truncated(text: str) -> SafeString:
    """Cut the end of a name so that it fits one line. The tooltip has all of it."""
    return format_html('<span class="tp-short" title="{}">{}</span>', text, text)


def count_column(name: str, description: str) -> Callable[[Any, Any], str]:
    """Make a column that shows the whole number in a row's field `name`."""

    @numeric_column(description, ordering=name)
    def column(_admin: Any, row: Any) -> str:
        return formats.whole(getattr(row, name))

    return column


def timestamp_column(name: str, description: str, *, exact: bool = False) -> Callable[[Any, Any], SafeString]:
    """Make a column that shows the time in a row's field `name`: to the minute, or to the second if `exact`."""

    def column(_admin: Any, row: Any) -> SafeString:
        return formats.moment_html(getattr(row, name), exact=exact)

    column.__dict__["short_description"] = description
    return column


def ago_column(name: str, description: str) -> Callable[[Any, Any], SafeString]:
    """Make a column that shows how long ago the time in a row's field `name` was."""

    def column(_admin: Any, row: Any) -> SafeString:
        return formats.ago_html(getattr(row, name))

    column.__dict__["short_description"] = description
    return column
