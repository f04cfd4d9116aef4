"""The settings in force: those of the back office or, where one is empty, of the environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest

from tradepost.site_settings.models import SiteSettings

PANEL_NAME = "Tradepost"
_CACHE_ATTRIBUTE = "_tradepost_settings"
_served: ContextVar[HttpRequest | None] = ContextVar("served", default=None)


class EffectiveSettings(msgspec.Struct, frozen=True):
    panel_name: str
    currency: str
    sign_up: str
    notice: str
    payment_text: str
    contact_email: str
    contact_url: str
    headline: str
    intro: str
    terms: str
    mass_order_lines_max: int
    keys_max: int


def load() -> EffectiveSettings:
    """Read the settings from the database. A view calls `for_request` instead."""
    row = SiteSettings.objects.get()
    return EffectiveSettings(
        panel_name=row.panel_name or PANEL_NAME,
        currency=row.currency,
        sign_up=row.sign_up or settings.TRADEPOST_SIGN_UP,
        notice=row.notice,
        payment_text=row.payment_text or settings.TRADEPOST_PAYMENT_TEXT,
        contact_email=row.contact_email,
        contact_url=row.contact_url,
        headline=row.headline,
        intro=row.intro,
        terms=row.terms,
        mass_order_lines_max=row.mass_order_lines_max,
        keys_max=row.keys_max,
    )


def for_request(request: HttpRequest) -> EffectiveSettings:
    """Return the settings for this request, read from the database once a request."""
    cached: EffectiveSettings | None = getattr(request, _CACHE_ATTRIBUTE, None)
    if cached is None:
        cached = load()
        setattr(request, _CACHE_ATTRIBUTE, cached)
    return cached


@contextmanager
def serving(request: HttpRequest) -> Iterator[None]:
    """Let `currency` find the request whose answer is being made."""
    token = _served.set(request)
    try:
        yield
    finally:
        _served.reset(token)


def currency() -> str:
    """Return the currency of the books, for texts that are made far from a request: a column, a reason to refuse.

    It is read from the database once for a request that is `serving`, else at each call.
    """
    request = _served.get()
    return (for_request(request) if request else load()).currency


def create_row(**_: Any) -> None:
    """Create the row of a new desk, with the environment's currency. A receiver of `post_migrate`."""
    SiteSettings.objects.get_or_create(defaults={"currency": settings.TRADEPOST_CURRENCY})
