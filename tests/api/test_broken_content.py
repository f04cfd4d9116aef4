"""Content that can't be read is no server error (docs/protocol.md §1). Found by fuzzing."""

import json

import pytest

from tests import asking
from tests.api.api_calls import LINK
from tests.conftest import Customer, Desk
from tradepost.api import parameters


def test_a_boundary_may_be_longer_than_any_is(desk: Desk) -> None:
    content_type = f"multipart/form-data; boundary={'b' * 300}"
    answer = asking.post(desk.api_url, content=b"--b\r\n", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()) == (200, {"error": "Incorrect request: the body was not understood"})


def test_names_of_parameters_may_hold_what_is_no_text(desk: Desk, alice: Customer, service: int) -> None:
    order = {"key": alice.key, "action": "add", "service": service, "link": LINK, "quantity": 100}
    body = json.dumps({**order, "idempotency_key": "one", "\ud800\x00": "x"})
    answer = asking.post(desk.api_url, content=body, headers={"Content-Type": "application/json"})
    assert answer.json().keys() == {"order"}


def test_broken_content_leaves_no_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert parameters.parse_parameters(b"", "multipart/form-data; boundary=y", b"--x\r\nnonsense") == {}
    assert caplog.records == []
