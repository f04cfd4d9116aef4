"""Pause a provider: nothing is sent to it for a while, and the back office shows staff why."""

import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from decimal import Decimal

from django.db.models import F
from django.db.models.functions import Coalesce, Greatest, Now

from tradepost.database import engine_connection
from tradepost.engine import dispatch_queue, rerouting, route_pauses
from tradepost.engine.refusals import TEMPORARY, RefusalMeaning
from tradepost.fulfilment.provider_errors import Pause, pause_of
from tradepost.providers import refusals
from tradepost.providers.models import Provider, RoutePause
from tradepost_client import PanelError, Refused

UNUSABLE = timedelta(minutes=5)  # the pause of a provider that can't be called at all: bad address or unreadable key
SHORT_PAUSE = timedelta(seconds=5)
ERROR_CHARS_MAX = 300
RELEASED_MAX = 1_000  # held orders at once; the sweep releases the rest


def note_answers(provider: Provider, answers: Sequence[object]) -> None:
    """Pause the provider if one of the answers to orders asks for it. If the provider accepts an order, it works."""
    is_paused = pause_after(provider, answers)
    accepts = any(not isinstance(answer, PanelError) for answer in answers)
    if accepts and not is_paused and provider.last_error and provider.funds_limit is None:
        provider.last_error = provider.pause_meaning = ""
        provider.save(update_fields=["last_error", "pause_meaning"])


def pause_after(provider: Provider, answers: Sequence[object]) -> bool:
    """Pause the provider if one of these answers asks for a pause; the last one decides. Return whether one did."""
    errors = [answer for answer in answers if isinstance(answer, PanelError)]
    is_refused = any(isinstance(error, Refused) for error in errors)
    said = refusals.known_texts(engine_connection(), provider.pk) if is_refused else {}
    pauses = [pause for error in errors if (pause := pause_of(error, said))]
    if pauses:
        pause_provider(provider.pk, pauses[-1])
        provider.last_error, provider.pause_meaning = pauses[-1].why[:ERROR_CHARS_MAX], pauses[-1].meaning
    return bool(pauses)


def note_balance(provider: int, balance: Decimal) -> None:
    """Store a provider's balance, in its currency. If it has grown, orders of all sizes may be sent again."""
    rows = Provider.objects.filter(pk=provider)
    short = rows.filter(balance__lt=balance, funds_limit__isnull=False)
    if short.update(funds_limit=None, funds_retry_at=None, last_error="", pause_meaning=""):
        dispatch_queue.end_waits(engine_connection(), [provider], [RefusalMeaning.FUNDS])
    rows.update(balance=balance, balance_at=Now(), balance_error="")


def pause_provider(provider: int, pause: Pause) -> None:
    """Send nothing to a provider until `pause` is over. A pause without a reason raises no alert."""
    Provider.objects.filter(pk=provider).update(
        retry_at=Now() + pause.wait, last_error=pause.why[:ERROR_CHARS_MAX], pause_meaning=pause.meaning
    )


def lift(provider: int) -> None:
    """End every pause of a provider and of its routes, because a person wants it to be tried."""
    Provider.objects.filter(pk=provider).update(
        retry_at=None, last_error="", pause_meaning="", funds_limit=None, funds_retry_at=None
    )
    RoutePause.objects.filter(route__provider_service__provider=provider).delete()
    dispatch_queue.end_waits(engine_connection(), [provider], TEMPORARY)


def lift_unexplained(providers: Collection[int]) -> int:
    """Try the routes again that wait since nobody could explain a refusal. Return how many routes that are."""
    paused = RoutePause.objects.filter(
        route__provider_service__provider__in=providers, meaning=RefusalMeaning.UNKNOWN.value, until__isnull=False
    )
    routes = list(paused.values_list("route", flat=True))
    route_pauses.end(engine_connection(), routes)
    if routes:
        dispatch_queue.end_waits(engine_connection(), providers, [RefusalMeaning.UNKNOWN])
    rerouting.release_held(engine_connection(), limit=RELEASED_MAX)
    return len(routes)


def wait_out(provider: Provider) -> bool:
    """Sleep through a short pause. Return False if staff paused the provider, or its pause is a long one."""
    active = Provider.objects.filter(pk=provider.pk, is_paused=False)
    left = active.values_list(Greatest(Coalesce(F("retry_at"), Now()) - Now(), timedelta(0)), flat=True).first()
    if left is None or left > SHORT_PAUSE:
        return False
    time.sleep(left.total_seconds())
    return True
