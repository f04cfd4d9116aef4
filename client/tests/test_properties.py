"""For any bytes, a call ends in a result or in one of three errors; an accepted order is never `Refused`."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import ORDER
from tradepost_client import Ambiguous, Placed, RateLimited, Refused, Retry, _calls
from tradepost_client._calls import Call
from tradepost_client._exchange import Answer, Panel

CALLS: list[Call[Any]] = [
    _calls.services(),
    _calls.balance(),
    _calls.add(ORDER, None),
    _calls.status(1),
    _calls.statuses([1, "x2"]),
    _calls.refill(1),
    _calls.refills([1, 2]),
    _calls.refill_status(1, None),
    _calls.refill_statuses([1, 2]),
    _calls.cancel([1]),
    _calls.orders(10, None),
]
NAMES = st.sampled_from(
    ["order", "order_id", "id", "error", "status", "data", "balance", "service", "services", "orders", "refill",
     "cancel", "remains", "charge", "rate", "currency", "message", "1", "2", "x2", "runs", "Order", "success", "errors",
     "result"]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "0", "1", "Partial", "Canceled", "1,234.56", "1e999", "-7", "$ 5", "null"])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
JSON = VALUES.map(lambda value: json.dumps(value).encode())
BEFORE = st.sampled_from(
    [b"", b"\xef\xbb\xbf", b"<br /><b>Notice</b>: x in y on line 1<br />", b"<html>", b"[0] ", b"\xff"]
)
BODIES = st.binary(max_size=60) | st.builds(
    lambda before, body, cut: before + body[: len(body) - cut], BEFORE, JSON, st.integers(0, 3)
)
STATUSES = st.sampled_from([200, 200, 200, 204, 301, 400, 404, 408, 429, 500, 503])


def outcome(call: Call[Any], status: int, body: bytes) -> object:
    """Return the result or the error of a call that gets this answer."""
    steps = Panel("http://panel.example", "key", retry=Retry(attempts_max=1), idempotency=False).run(call)
    next(steps)
    try:
        steps.send(Answer(status, (("content-type", "text/html"),), body))
    except StopIteration as done:
        return done.value
    except (Refused, RateLimited, Ambiguous) as error:
        return error
    raise AssertionError


@given(st.sampled_from(CALLS), STATUSES, BODIES)
def test_whatever_comes_the_outcome_is_a_result_or_one_of_three_errors(
    call: Call[Any], status: int, body: bytes
) -> None:
    result = outcome(call, status, body)
    assert not isinstance(result, RateLimited) or status == 429
    if status >= 500:
        assert isinstance(result, Ambiguous)


@given(VALUES, st.integers(1, 40))
def test_an_answer_that_breaks_off_refuses_nothing(value: Any, cut: int) -> None:
    whole = json.dumps({"order": 7, "more": value}).encode()
    assert isinstance(outcome(CALLS[2], 200, whole), Placed)
    assert isinstance(outcome(CALLS[2], 200, whole[:-cut]), Ambiguous)


@given(st.dictionaries(NAMES, VALUES), st.sampled_from(["order", "order_id", "id", "Order", "orderId"]), st.integers(1))
def test_an_answer_that_names_an_order_is_never_a_refusal(fields: dict[str, Any], name: str, order: int) -> None:
    body = json.dumps({**fields, name: order % 10**12 or 1}).encode()
    assert not isinstance(outcome(CALLS[2], 200, body), Refused)


@pytest.mark.parametrize("wrap", [lambda page: page, lambda page: b"<b>Warning</b>: " + page])
@given(body=JSON)
def test_what_stands_in_a_page_is_no_answer(wrap: Callable[[bytes], bytes], body: bytes) -> None:
    page = wrap(b"<html><body>" + body + b"</body></html>")
    assert isinstance(outcome(CALLS[2], 200, page), Ambiguous)
