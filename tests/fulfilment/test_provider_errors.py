"""What a provider's failure means for the order and for the provider."""

from datetime import UTC, datetime

import pytest

from tradepost.engine.attempts import AttemptOutcome
from tradepost.fulfilment.provider_errors import outcome_of, pause_of
from tradepost_client import Ambiguous, Evidence, NotSent, RateLimited, Reason, Refused

EVIDENCE = Evidence(
    action="add", url="http://panel.example/api/v2", parameters={}, attempt=1, started_at=datetime.now(UTC), seconds=0.1
)


@pytest.mark.parametrize(
    ("text", "result", "holds_off"),
    [
        ("Not enough funds on balance", AttemptOutcome.LATER, True),
        ("neworder.error.not_enough_funds", AttemptOutcome.LATER, True),
        ("not_enough_balance", AttemptOutcome.LATER, True),
        ("Insufficient balance", AttemptOutcome.LATER, True),
        ("Invalid API key", AttemptOutcome.LATER, True),
        ("Too many requests, try again later", AttemptOutcome.LATER, True),
        ("The panel is under maintenance", AttemptOutcome.LATER, True),
        ("You have active order with this link. Please wait until order being completed.", AttemptOutcome.LATER, False),
        ("Incorrect service ID", AttemptOutcome.DECLINED, False),
        ("Quantity less than minimal 100", AttemptOutcome.DECLINED, False),
        ("Bad link", AttemptOutcome.DECLINED, False),
        ("neworder.error.link", AttemptOutcome.DECLINED, False),
        ("Idempotency key was used with other parameters", AttemptOutcome.UNSURE, False),
    ],
)
def test_a_refusal_is_read_by_what_it_says(text: str, result: AttemptOutcome, holds_off: bool) -> None:
    refused = Refused(EVIDENCE, text)
    outcome = outcome_of(7, 1, refused)
    assert (outcome.outcome, pause_of(refused) is not None) == (result, holds_off)
    assert text in outcome.response


def test_what_never_left_waits_and_what_may_have_left_is_unsure() -> None:
    for definite in (NotSent(EVIDENCE), RateLimited(EVIDENCE, 30)):
        assert outcome_of(7, 1, definite).outcome is AttemptOutcome.LATER
        assert pause_of(definite)
    for reason in Reason:
        ambiguous = Ambiguous(EVIDENCE, reason)
        assert outcome_of(7, 1, ambiguous).outcome is AttemptOutcome.UNSURE
        assert pause_of(ambiguous) is None
