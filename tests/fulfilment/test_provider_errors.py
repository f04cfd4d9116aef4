"""What a provider's failure means for the order and for the provider."""

from datetime import UTC, datetime

import pytest

from tradepost.engine.attempts import AttemptOutcome
from tradepost.engine.refusals import RefusalMeaning
from tradepost.fulfilment.provider_errors import FOLLOWS, failure_of, pause_of
from tradepost_client import Ambiguous, Evidence, NotSent, RateLimited, Reason, Refused

EVIDENCE = Evidence(
    action="add", url="http://panel.example/api/v2", parameters={}, attempt=1, started_at=datetime.now(UTC), seconds=0.1
)


@pytest.mark.parametrize(
    ("text", "outcome", "pauses"),
    [
        ("Not enough funds on balance", AttemptOutcome.ELSEWHERE, False),
        ("Invalid API key", AttemptOutcome.ELSEWHERE, True),
        ("Your account is inactive", AttemptOutcome.ELSEWHERE, True),
        ("Too many requests, try again later", AttemptOutcome.LATER, True),
        ("The panel is under maintenance", AttemptOutcome.LATER, True),
        ("Service temporarily disabled", AttemptOutcome.ELSEWHERE, False),
        ("You have active order with this link. Please wait until order being completed.", AttemptOutcome.LATER, False),
        ("Incorrect service ID", AttemptOutcome.DECLINED, False),
        ("Quantity less than minimal 100", AttemptOutcome.DECLINED, False),
        ("Bad link", AttemptOutcome.DECLINED, False),
        ("Words that nobody knows", AttemptOutcome.ELSEWHERE, False),
        ("Idempotency key was used with other parameters", AttemptOutcome.UNSURE, False),
    ],
)
def test_a_refusal_is_read_by_what_it_says(text: str, outcome: AttemptOutcome, pauses: bool) -> None:
    refused = Refused(EVIDENCE, text)
    failure = failure_of(refused)
    assert (failure.outcome, pause_of(refused) is not None) == (outcome, pauses)
    assert text in failure.response


def test_every_meaning_has_consequences() -> None:
    assert set(FOLLOWS) == set(RefusalMeaning)


def test_what_an_operator_has_said_counts_more_than_the_table() -> None:
    said = {"bad link": RefusalMeaning.ACCOUNT}
    assert failure_of(Refused(EVIDENCE, "Bad link!"), said).meaning is RefusalMeaning.ACCOUNT
    assert failure_of(Refused(EVIDENCE, "Bad link!")).meaning is RefusalMeaning.LINK


def test_what_never_left_waits_and_what_may_have_left_is_unsure() -> None:
    for definite in (NotSent(EVIDENCE), RateLimited(EVIDENCE, 30)):
        assert failure_of(definite).outcome is AttemptOutcome.LATER
        assert pause_of(definite)
    for reason in Reason:
        ambiguous = Ambiguous(EVIDENCE, reason)
        assert failure_of(ambiguous).outcome is AttemptOutcome.UNSURE
        assert pause_of(ambiguous) is None
