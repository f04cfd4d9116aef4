"""What the answers of providers mean: the strings with which panels refuse, and what becomes of an order then.

A refusal is definite: nothing was ordered. But some refusals are about now, not about the order: it stays queued and is
sent again later. What is not in this table is taken for a refusal of the order.
"""

import re
from datetime import timedelta

import msgspec

from tradepost.engine.attempts import AttemptOutcome, AttemptResult
from tradepost_client import Ambiguous, NotSent, PanelError, RateLimited, Refused

NOT_REACHED = timedelta(seconds=30)


class KnownRefusal(msgspec.Struct, frozen=True):
    """A refusal that is known: how it reads, and how long to wait, the whole provider or this order only."""

    pattern: re.Pattern[str]
    wait: timedelta
    is_about_provider: bool


KNOWN_REFUSALS = tuple(
    KnownRefusal(re.compile(pattern, re.IGNORECASE), wait, about_provider)
    for pattern, wait, about_provider in (
        (
            r"not.?enough.?(funds|balance|money)|insufficient|balance.*(low|not enough)",
            timedelta(minutes=5),
            True,
        ),
        (r"invalid.?(api.?)?key|(api.?)?key.*(invalid|incorrect|disabled)|access denied", timedelta(minutes=15), True),
        (r"too many requests|rate.?limit|try (again|later)|temporarily|maintenance", timedelta(minutes=1), True),
        (r"active order with this link|wait until (the )?order", timedelta(minutes=10), False),
    )
)
# The one refusal that proves the contrary: the order is there.
_IS_THERE = re.compile(r"idempotency key was used", re.IGNORECASE)


class Pause(msgspec.Struct, frozen=True):
    """Nothing is to be sent to a provider for a while, and why."""

    wait: timedelta
    why: str


def outcome_of(order: int, attempt: int, error: PanelError) -> AttemptResult:
    """Say what a failure to place an order means for it."""
    if isinstance(error, Refused) and not _IS_THERE.search(error.text):
        known = _known(error)
        if known is None:
            return AttemptResult(order, attempt, AttemptOutcome.DECLINED, response=error.text)
        return AttemptResult(order, attempt, AttemptOutcome.LATER, response=error.text, wait=known.wait)
    pause = pause_of(error)
    if pause:
        return AttemptResult(order, attempt, AttemptOutcome.LATER, response=evidence_of(error), wait=pause.wait)
    return AttemptResult(order, attempt, AttemptOutcome.UNSURE, response=evidence_of(error))


def pause_of(error: PanelError) -> Pause | None:
    """Say whether a failure is about the provider as a whole: then it is to be left alone for a while."""
    if isinstance(error, Refused):
        known = _known(error)
        return Pause(known.wait, error.text) if known and known.is_about_provider else None
    if isinstance(error, RateLimited):
        return Pause(timedelta(seconds=1 if error.retry_after is None else error.retry_after), "")
    return Pause(NOT_REACHED, str(error)) if isinstance(error, NotSent) else None


def _known(error: Refused) -> KnownRefusal | None:
    return next((each for each in KNOWN_REFUSALS if each.pattern.search(error.text)), None)


def evidence_of(error: PanelError) -> str:
    """Write down what is known of a failure, for whoever has to judge it."""
    evidence = error.evidence
    told = [str(error), f"{evidence.started_at:%Y-%m-%d %H:%M:%S} UTC, {evidence.seconds:.3f} s"]
    if evidence.status_code:
        told.append(f"HTTP {evidence.status_code}")
    if evidence.body:
        told.append(evidence.body)
    return "\n".join(told)


def is_clear(error: PanelError) -> bool:
    """Tell whether a provider that fails so is well: it answered, whatever it said."""
    return not isinstance(error, Ambiguous | NotSent)
