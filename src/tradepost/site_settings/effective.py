"""The settings in force: what the back office says, and where it says nothing, the environment."""

from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest

from tradepost.site_settings.models import SiteSettings

PANEL_NAME = "Tradepost"
_KEPT = "_tradepost_settings"


class EffectiveSettings(msgspec.Struct, frozen=True):
    """The settings as they hold now."""

    panel_name: str
    currency: str
    sign_up: str
    notice: str
    payment_text: str
    terms: str
    mass_order_lines_max: int
    keys_max: int


def current() -> EffectiveSettings:
    """Read the settings."""
    row = SiteSettings.objects.get()
    return EffectiveSettings(
        panel_name=row.panel_name or PANEL_NAME,
        currency=row.currency,
        sign_up=row.sign_up or settings.TRADEPOST_SIGN_UP,
        notice=row.notice,
        payment_text=row.payment_text or settings.TRADEPOST_PAYMENT_TEXT,
        terms=row.terms,
        mass_order_lines_max=row.mass_order_lines_max,
        keys_max=row.keys_max,
    )


def for_request(request: HttpRequest) -> EffectiveSettings:
    """Return the settings that this request is answered by, read once for all of it."""
    kept: EffectiveSettings | None = getattr(request, _KEPT, None)
    if kept is None:
        kept = current()
        setattr(request, _KEPT, kept)
    return kept


def create_row(**_: Any) -> None:
    """Make the row of a new desk, in the currency that the environment names; a receiver of `post_migrate`."""
    SiteSettings.objects.get_or_create(defaults={"currency": settings.TRADEPOST_CURRENCY})
