"""Pausing a provider: nothing is sent to it for a while, and the operator is shown why."""

import time
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Coalesce, Greatest, Now

from tradepost.fulfilment.provider_errors import Pause, pause_of
from tradepost.providers.models import Provider
from tradepost_client import PanelError

UNUSABLE = timedelta(minutes=5)  # how long to leave a provider alone that can't be called at all
SHORT_PAUSE = timedelta(seconds=5)
ERROR_CHARS_MAX = 300


def pause_after(provider: Provider, answer: object) -> bool:
    """Pause the provider if this answer means that. Return whether it is paused."""
    pause = pause_of(answer) if isinstance(answer, PanelError) else None
    if pause:
        pause_provider(provider.pk, pause)
    return pause is not None


def pause_provider(provider: int, pause: Pause) -> None:
    """Send nothing to a provider until `pause` is over. A pause without a reason raises no alert."""
    Provider.objects.filter(pk=provider).update(retry_at=Now() + pause.wait, last_error=pause.why[:ERROR_CHARS_MAX])


def wait_out(provider: Provider) -> bool:
    """Sleep through a short pause. Return whether to go on: not while an operator or a long pause forbids it."""
    asked = Provider.objects.filter(pk=provider.pk, is_paused=False)
    left = asked.values_list(Greatest(Coalesce(F("retry_at"), Now()) - Now(), timedelta(0)), flat=True).first()
    if left is None or left > SHORT_PAUSE:
        return False
    time.sleep(left.total_seconds())
    return True
