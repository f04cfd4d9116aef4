"""How the back office writes amounts, states and links."""

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
NOTHING = "–"  # where there is nothing to show
SCHEMES = ("https://", "http://")  # what may be followed; a link is whatever a customer typed
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


def figure[**P, R](description: str, *, ordering: object = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Name a column of numbers and set it flush right."""

    def decorate(column: Callable[P, R]) -> Callable[P, R]:
        column.__dict__.update(short_description=description, formatting="price")
        if ordering:
            column.__dict__["admin_order_field"] = ordering
        return column

    return decorate


def amount(value: Decimal | None) -> str:
    """Write an amount or a rate as the API does."""
    return NOTHING if value is None else money.show(value)


def grouped(value: Decimal) -> str:
    """Write an amount for people: the API's way, with the thousands apart."""
    whole, _, decimals = money.show(abs(value)).partition(".")
    return f"{'−' if value < 0 else ''}{int(whole):,}.{decimals}"


def rounded(value: Decimal) -> str:
    """Write an amount for a glance, to the cent; where it is told exactly stands beside."""
    return grouped(money.to_cents(value))


def lasting(time: timedelta) -> str:
    """Write how long something lasts, in the two largest units that it has of days, hours and minutes."""
    hours, minutes = divmod(int(time.total_seconds()) // 60, 60)
    units = ((hours // 24, "d"), (hours % 24, "h"), (minutes, "min"))
    return " ".join([f"{number} {unit}" for number, unit in units if number][:2]) or "0 min"


@lru_cache(maxsize=1_000)
def badge(text: str, colour: str = "") -> SafeString:
    """Write a state as a label: `success`, `info`, `warning`, `danger`, `primary`, or grey."""
    context = {"text": text, "type": colour, "class": "tp-label"}
    return mark_safe(render_to_string("unfold/helpers/label.html", context).strip())  # noqa: S308 - it escapes


def status(value: str) -> SafeString:
    """Write an order's status as the label that it is everywhere, in the customer's words."""
    return badge(value, STATUS_COLOURS[Status(value)])


def short_link(link: str) -> SafeString:
    """Write a link in one line, its middle left out; all of it is in the tooltip."""
    bare = link
    for scheme in SCHEMES:
        bare = bare.removeprefix(scheme)
    if len(bare) > LINK_CHARS_MAX:
        half = LINK_CHARS_MAX // 2
        bare = f"{bare[:half]}…{bare[-half:]}"
    return format_html('<span class="tp-nowrap" title="{}">{}</span>', link, bare)


def whole_link(link: str) -> SafeString | str:
    """Write a link in full, to follow if it leads to a web page."""
    if not link.startswith(SCHEMES):
        return link or NOTHING
    return format_html(
        '<a class="tp-link" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>', link, link
    )


def link(address: str, text: str) -> SafeString:
    """Write a link to another page of the back office."""
    return format_html('<a class="tp-link tp-nowrap" href="{}">{}</a>', address, text)


def owner(account: Any) -> SafeString:
    """Write whose something is, leading to the page of the account; a test account has none, its person has."""
    address = reverse("admin:accounts_account_change", args=[account.test_of_id or account.pk])
    return format_html('<a class="tp-link" href="{}">{}</a>', address, account)


def short(text: str) -> SafeString:
    """Write a name in one line, its end left out; all of it is in the tooltip."""
    return format_html('<span class="tp-short" title="{}">{}</span>', text, text)


def moment(at: datetime | None, *, exact: bool = False) -> SafeString | str:
    """Write a time, to the minute or to the second; all of it is in the tooltip."""
    if at is None:
        return NOTHING
    precise = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    shown = precise if exact else f"{at:%d %b %H:%M}"
    return format_html('<time class="tp-nowrap" title="{}">{}</time>', precise, shown)


def time_of(name: str, description: str, *, exact: bool = False) -> Callable[[Any, Any], SafeString | str]:
    """Make a column of the time in a row's field `name`: to the minute for lists, or to the second."""

    def column(_admin: Any, row: Any) -> SafeString | str:
        return moment(getattr(row, name), exact=exact)

    column.__dict__["short_description"] = description
    return column
