"""Errands: queued orders are placed with their provider (design §5: never twice, never lost)."""

import time
from datetime import timedelta
from functools import partial

from django.db.models import F
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils.crypto import salted_hmac

from tradepost.database import in_transaction
from tradepost.engine import dispatching, recording
from tradepost.engine.dispatching import Errand
from tradepost.engine.recording import Outcome, Result
from tradepost.fulfilment.answers import Pause, outcome_of, pause_of
from tradepost.fulfilment.line import Line
from tradepost.providers.models import Provider
from tradepost_client import Client, GenericOrder, PanelError, Placed

CANT_BE_CALLED = timedelta(minutes=5)
SHORT_PAUSE = timedelta(seconds=5)
ERROR_CHARS_MAX = 300


def send(line: Line, provider: Provider) -> int:
    """Send what is queued, as much as the line takes at a time, and return how much that was.

    What is claimed is committed as `sending` before the first byte leaves; each answer is committed as it comes.
    """
    taken = _claim(line, provider)
    name = _installation() if provider.supports_idempotency_keys else ""
    for answered in line.each(taken, lambda client, errand: _place(client, errand, name)):
        outcomes = [_outcome(errand, answer) for errand, answer in answered]
        for _, answer in answered:
            heed(provider, answer)
        in_transaction(partial(recording.record, outcomes=outcomes))
        if provider.last_error and any(outcome.result is Result.SENT for outcome in outcomes):
            provider.last_error = ""
            provider.save(update_fields=["last_error"])
    return len(taken)


def may_go_on(provider: Provider) -> bool:
    """Tell whether the provider may be sent more: nobody has paused it, and no long pause is due (a short is made)."""
    asked = Provider.objects.filter(pk=provider.pk, is_paused=False)
    left = asked.values_list(Greatest(Coalesce(F("retry_at"), Now()) - Now(), timedelta(0)), flat=True).first()
    if left is None or left > SHORT_PAUSE:
        return False
    time.sleep(left.total_seconds())
    return True


def heed(provider: Provider, answer: object) -> bool:
    """Leave a provider alone for a while if that is what its answer means; tell whether it is."""
    pause = pause_of(answer) if isinstance(answer, PanelError) else None
    if pause:
        hold_off(provider.pk, pause)
    return pause is not None


def hold_off(provider: int, pause: Pause) -> None:
    """Send nothing to a provider for a while; without a reason it is none to alarm anyone."""
    Provider.objects.filter(pk=provider).update(retry_at=Now() + pause.wait, last_error=pause.why[:ERROR_CHARS_MAX])


def _claim(line: Line, provider: Provider) -> list[Errand]:
    limit = 2 * line.width  # what the line has in hand: little is unsure if this worker dies
    taken = in_transaction(partial(dispatching.claim, provider=provider.pk, limit=limit))
    if taken or not provider.supports_idempotency_keys:
        return taken
    return in_transaction(partial(dispatching.claim_unsure, provider=provider.pk, limit=limit))


def _place(client: Client, errand: Errand, installation: str) -> Placed:
    key = f"{installation}-{errand.order}" if installation else None
    return client.add(GenericOrder(service=errand.service, fields=errand.parameters), idempotency_key=key)


def _outcome(errand: Errand, answer: Placed | PanelError) -> Outcome:
    if isinstance(answer, Placed):
        return Outcome(errand.order, errand.attempt, Result.SENT, str(answer.order))
    return outcome_of(errand.order, errand.attempt, answer)


def _installation() -> str:
    """Tell this installation's orders from those of others that have an account with the same provider."""
    return "tp" + salted_hmac("tradepost.installation", "orders", algorithm="sha256").hexdigest()[:16]
