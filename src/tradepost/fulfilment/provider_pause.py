"""Pause a provider: nothing is sent to it for a while, and the back office shows staff why."""

import time
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Coalesce, Greatest, Now

from tradepost.fulfilment.provider_errors import Pause, pause_of
from tradepost.providers.models import Provider
from tradepost_client import PanelError

UNUSABLE = timedelta(minutes=5)  # the pause of a provider that can't be called at all: bad address or unreadable key
SHORT_PAUSE = timedelta(seconds=5)
ERROR_CHARS_MAX = 300


def pause_after(provider: Provider, answer: object) -> bool:
    """Pause the provider if this answer asks for a pause. Return whether it did."""
    pause = pause_of(answer) if isinstance(answer, PanelError) else None
    if pause:
        pause_provider(provider.pk, pause)
    return pause is not None


def pause_provider(provider: int, pause: Pause) -> None:
    """Send nothing to a provider until `pause` is over. A pause without a reason raises no alert."""
    Provider.objects.filter(pk=provider).update(retry_at=Now() + pause.wait, last_error=pause.why[:ERROR_CHARS_MAX])


def wait_out(provider: Provider) -> bool:
    """Sleep through a short pause. Return False if staff paused the provider, or its pause is a long one."""
    active = Provider.objects.filter(pk=provider.pk, is_paused=False)
    left = active.values_list(Greatest(Coalesce(F("retry_at"), Now()) - Now(), timedelta(0)), flat=True).first()
    if left is None or left > SHORT_PAUSE:
        return False
    time.sleep(left.total_seconds())
    return True
