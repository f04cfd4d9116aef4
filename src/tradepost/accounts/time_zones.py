"""Time zones of accounts: the browser tells its own in a cookie, and an account without one takes it at sign-in."""

import zoneinfo
from functools import cache
from typing import Any

from django.http import HttpRequest

from tradepost.accounts.models import Account

COOKIE = "timezone"  # set by panel.js


def from_browser(request: HttpRequest) -> str:
    """Return the time zone of the visitor's browser; empty if the browser has not told a known one."""
    name = request.COOKIES.get(COOKIE, "")
    return name if name in _known() else ""


def keep_browsers_zone(request: HttpRequest, user: Account, **_: Any) -> None:
    """Store the browser's time zone with an account that has none. A receiver of allauth's signals."""
    zone = from_browser(request)
    if zone and not user.timezone:
        user.timezone = zone
        Account.objects.filter(pk=user.pk, timezone="").update(timezone=zone)


@cache
def _known() -> frozenset[str]:
    return frozenset(name for name in zoneinfo.available_timezones() if "/" in name or name == "UTC")
