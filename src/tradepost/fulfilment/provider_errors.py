"""What a provider's failure means for an order: the wordings of refusals, and what to do about each.

A refusal is definite: nothing was ordered. Some refusals are only temporary; the order then stays queued and is sent
again later. If a wording is not in this table, the provider refused the order itself.
"""

import re
from datetime import timedelta

import msgspec

from tradepost.engine.attempts import AttemptOutcome, AttemptResult
from tradepost_client import Ambiguous, NotSent, PanelError, RateLimited, Refused

NOT_REACHED = timedelta(seconds=30)


class KnownRefusal(msgspec.Struct, frozen=True):
    """A temporary refusal: its wording, how long to wait, and whether the provider or only this order has to wait."""

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
# This refusal proves the opposite: the provider has the order.
_ORDER_EXISTS = re.compile(r"idempotency key was used", re.IGNORECASE)


class Pause(msgspec.Struct, frozen=True):
    """How long to send nothing to a provider, and why."""

    wait: timedelta
    why: str


def outcome_of(order: int, attempt: int, error: PanelError) -> AttemptResult:
    """Return the outcome of an attempt to place an order that ended in this error."""
    if isinstance(error, Refused) and not _ORDER_EXISTS.search(error.text):
        known = _known_refusal(error)
        if known is None:
            return AttemptResult(order, attempt, AttemptOutcome.DECLINED, response=error.text)
        return AttemptResult(order, attempt, AttemptOutcome.LATER, response=error.text, wait=known.wait)
    pause = pause_of(error)
    if pause:
        return AttemptResult(order, attempt, AttemptOutcome.LATER, response=evidence_of(error), wait=pause.wait)
    return AttemptResult(order, attempt, AttemptOutcome.UNSURE, response=evidence_of(error))


def pause_of(error: PanelError) -> Pause | None:
    """Return how long to pause the provider after this error; None if the error is about the order only."""
    if isinstance(error, Refused):
        known = _known_refusal(error)
        return Pause(known.wait, error.text) if known and known.is_about_provider else None
    if isinstance(error, RateLimited):
        return Pause(timedelta(seconds=1 if error.retry_after is None else error.retry_after), "")
    return Pause(NOT_REACHED, str(error)) if isinstance(error, NotSent) else None


def _known_refusal(error: Refused) -> KnownRefusal | None:
    return next((refusal for refusal in KNOWN_REFUSALS if refusal.pattern.search(error.text)), None)


def evidence_of(error: PanelError) -> str:
    """Return all that is known of a failure as text, for the member of staff who settles the order."""
    evidence = error.evidence
    parts = [str(error), f"{evidence.started_at:%Y-%m-%d %H:%M:%S} UTC, {evidence.seconds:.3f} s"]
    if evidence.status_code:
        parts.append(f"HTTP {evidence.status_code}")
    if evidence.body:
        parts.append(evidence.body)
    return "\n".join(parts)


def is_clear_answer(error: PanelError) -> bool:
    """Return whether the provider gave a clear answer, even a refusal. If it did, it works."""
    return not isinstance(error, Ambiguous | NotSent)
