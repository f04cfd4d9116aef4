"""What a provider's failure means for the order and for the provider."""

from datetime import UTC, datetime

import pytest

from tradepost.engine.attempts import Result
from tradepost.fulfilment.provider_errors import outcome_of, pause_of
from tradepost_client import Ambiguous, Evidence, NotSent, RateLimited, Reason, Refused

EVIDENCE = Evidence(
    action="add", url="http://panel.example/api/v2", parameters={}, attempt=1, started_at=datetime.now(UTC), seconds=0.1
)


@pytest.mark.parametrize(
    ("text", "result", "holds_off"),
    [
        ("Not enough funds on balance", Result.LATER, True),
        ("neworder.error.not_enough_funds", Result.LATER, True),
        ("not_enough_balance", Result.LATER, True),
        ("Insufficient balance", Result.LATER, True),
        ("Invalid API key", Result.LATER, True),
        ("Too many requests, try again later", Result.LATER, True),
        ("The panel is under maintenance", Result.LATER, True),
        ("You have active order with this link. Please wait until order being completed.", Result.LATER, False),
        ("Incorrect service ID", Result.DECLINED, False),
        ("Quantity less than minimal 100", Result.DECLINED, False),
        ("Bad link", Result.DECLINED, False),
        ("neworder.error.link", Result.DECLINED, False),
        ("Idempotency key was used with other parameters", Result.UNSURE, False),
    ],
)
def test_a_refusal_is_read_by_what_it_says(text: str, result: Result, holds_off: bool) -> None:
    refused = Refused(EVIDENCE, text)
    outcome = outcome_of(7, 1, refused)
    assert (outcome.result, pause_of(refused) is not None) == (result, holds_off)
    assert text in outcome.response


def test_what_never_left_waits_and_what_may_have_left_is_unsure() -> None:
    for definite in (NotSent(EVIDENCE), RateLimited(EVIDENCE, 30)):
        assert outcome_of(7, 1, definite).result is Result.LATER
        assert pause_of(definite)
    for reason in Reason:
        ambiguous = Ambiguous(EVIDENCE, reason)
        assert outcome_of(7, 1, ambiguous).result is Result.UNSURE
        assert pause_of(ambiguous) is None
