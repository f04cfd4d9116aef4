"""What a provider's failure means for an order and for the provider (docs/fulfilment.md, refusals).

A refusal is definite: nothing was ordered. `providers.refusals` finds what the refusal is about; `FOLLOWS` says what
happens then.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from tradepost.engine.attempts import AT_ONCE, AttemptOutcome
from tradepost.engine.refusals import RefusalMeaning
from tradepost.providers import refusals
from tradepost_client import Ambiguous, NotSent, PanelError, RateLimited, Refused

NOT_REACHED = timedelta(seconds=30)
ACCOUNT_WAIT = timedelta(minutes=15)
FUNDS_WAIT = timedelta(minutes=5)  # until orders of all sizes are tried again
LIMIT_WAIT = timedelta(minutes=1)
DUPLICATE_WAIT = timedelta(minutes=10)
UNKNOWN_WAIT = timedelta(seconds=30)  # then an order is sent again whose refusal nobody can explain

# This refusal proves the opposite: the provider has the order.
_ORDER_EXISTS = re.compile(r"idempotency key was used", re.IGNORECASE)


class Pause(msgspec.Struct, frozen=True):
    """How long to send nothing to a provider, and why."""

    wait: timedelta
    why: str
    meaning: str = ""


class Consequence(msgspec.Struct, frozen=True):
    """What follows from a refusal: the order's outcome, its wait, and how long the whole provider pauses."""

    outcome: AttemptOutcome
    wait: timedelta = AT_ONCE
    provider_pause: timedelta | None = None


FOLLOWS = {
    RefusalMeaning.KEY: Consequence(AttemptOutcome.ELSEWHERE, provider_pause=ACCOUNT_WAIT),
    RefusalMeaning.ACCOUNT: Consequence(AttemptOutcome.ELSEWHERE, provider_pause=ACCOUNT_WAIT),
    RefusalMeaning.FUNDS: Consequence(AttemptOutcome.ELSEWHERE, FUNDS_WAIT),
    RefusalMeaning.LIMIT: Consequence(AttemptOutcome.LATER, LIMIT_WAIT, provider_pause=LIMIT_WAIT),
    RefusalMeaning.SERVICE_OFF: Consequence(AttemptOutcome.ELSEWHERE),
    RefusalMeaning.SERVICE_GONE: Consequence(AttemptOutcome.DECLINED),
    RefusalMeaning.QUANTITY: Consequence(AttemptOutcome.DECLINED),
    RefusalMeaning.LINK: Consequence(AttemptOutcome.DECLINED),
    RefusalMeaning.DUPLICATE: Consequence(AttemptOutcome.LATER, DUPLICATE_WAIT),
    RefusalMeaning.ORDER: Consequence(AttemptOutcome.DECLINED),
    RefusalMeaning.UNKNOWN: Consequence(AttemptOutcome.ELSEWHERE, UNKNOWN_WAIT),
}


class Failure(msgspec.Struct, frozen=True):
    """An attempt to place an order that failed: its outcome, and what the provider answered.

    `meaning` is None if the failure is no refusal.
    """

    outcome: AttemptOutcome
    response: str
    wait: timedelta = AT_ONCE
    meaning: RefusalMeaning | None = None


def failure_of(error: PanelError, said: Mapping[str, RefusalMeaning] = {}) -> Failure:
    """Return what an error means for the order. `said` is what operators have said of unknown refusals."""
    if isinstance(error, Refused) and not _ORDER_EXISTS.search(error.text):
        meaning = refusals.meaning_of(error.text, said)
        follows = FOLLOWS[meaning]
        return Failure(follows.outcome, error.text, follows.wait, meaning)
    pause = pause_of(error)
    if pause:
        return Failure(AttemptOutcome.LATER, evidence_of(error), pause.wait, RefusalMeaning.LIMIT)
    return Failure(AttemptOutcome.UNSURE, evidence_of(error))


def pause_of(error: PanelError, said: Mapping[str, RefusalMeaning] = {}) -> Pause | None:
    """Return how long to pause the provider after this error; None if it is about less than the provider."""
    if isinstance(error, Refused):
        meaning = refusals.meaning_of(error.text, said)
        wait = FOLLOWS[meaning].provider_pause
        return Pause(wait, error.text, meaning.value) if wait else None
    if isinstance(error, RateLimited):
        return Pause(timedelta(seconds=1 if error.retry_after is None else error.retry_after), "")
    return Pause(NOT_REACHED, str(error)) if isinstance(error, NotSent) else None


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
