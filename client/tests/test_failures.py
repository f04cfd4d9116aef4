"""Failures: which ones are definite, which calls are repeated, and what the error contains."""

import asyncio
import pickle
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import httpx2
import pytest

from conftest import ORDER, QUICK
from testkit.upstream.faults import Fault
from testkit.upstream.panel import Panel
from testkit.upstream.server import Reply, Upstream
from tests.waiting import HANG_SECONDS, until
from tradepost_client import (
    Ambiguous,
    AsyncClient,
    Balance,
    Client,
    NotSent,
    PanelError,
    Placed,
    RateLimited,
    Reason,
    Refused,
    Retry,
)

type Ask = Callable[..., Any]

AMBIGUOUS = {
    Fault.RESET_BEFORE: Reason.CONNECTION_LOST,
    Fault.RESET_AFTER: Reason.CONNECTION_LOST,
    Fault.RESET_MIDWAY: Reason.CONNECTION_LOST,
    Fault.ERROR_BEFORE: Reason.SERVER_ERROR,
    Fault.ERROR_AFTER: Reason.SERVER_ERROR,
    Fault.HTML_BEFORE: Reason.UNPARSABLE,
    Fault.HTML_AFTER: Reason.UNPARSABLE,
    Fault.EMPTY_BEFORE: Reason.EMPTY,
    Fault.EMPTY_AFTER: Reason.EMPTY,
    Fault.TRUNCATED: Reason.UNPARSABLE,
    Fault.REDIRECT: Reason.REDIRECT,
}


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_an_ambiguous_add_is_told_and_never_made_again(ask: Ask, upstream: Upstream, fault: Fault) -> None:
    upstream.faults.script(fault)
    with pytest.raises(Ambiguous) as caught:
        ask("add", ORDER)
    assert caught.value.reason is AMBIGUOUS[fault]
    assert not caught.value.definite
    assert not caught.value.retryable
    assert [seen.method for seen in upstream.seen] == ["POST"]
    assert len(upstream.panel.accepted) == fault.accepts


@pytest.mark.parametrize("fault", [*AMBIGUOUS, Fault.TOO_MANY])
def test_a_read_is_made_again(ask: Ask, upstream: Upstream, fault: Fault) -> None:
    upstream.faults.script(fault, fault, action="balance")
    assert isinstance(ask("balance"), Balance)
    assert len(upstream.seen) == 3


@pytest.mark.parametrize("fault", [*AMBIGUOUS, Fault.TOO_MANY])
def test_a_read_is_made_again_no_more_often_than_allowed(ask: Ask, upstream: Upstream, fault: Fault) -> None:
    upstream.faults.script(*[fault] * 3, action="balance")
    with pytest.raises(PanelError) as caught:
        ask("balance")
    assert caught.value.retryable
    assert caught.value.evidence.attempt == len(upstream.seen) == 3
    upstream.faults.script(fault, action="balance")
    with pytest.raises(PanelError):
        ask("balance", client={"retry": None})
    assert len(upstream.seen) == 4


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault.is_harmless])
def test_what_is_harmless_is_tolerated(ask: Ask, upstream: Upstream, fault: Fault) -> None:
    upstream.faults.script(fault)
    upstream.faults.script(fault, action="status")
    assert ask("add", ORDER) == Placed(1)
    assert ask("status", 1).remains == 100
    assert len(upstream.seen) == 2


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_with_idempotency_an_add_is_made_again_and_placed_once(ask: Ask, upstream: Upstream, fault: Fault) -> None:
    upstream.panel = Panel(takes_idempotency_keys=True)
    upstream.faults.script(fault, fault)
    assert ask("add", ORDER, client={"idempotency": True}) == Placed(1)
    assert len(upstream.panel.accepted) == 1
    assert len({seen.parameters["idempotency_key"] for seen in upstream.seen}) == 1
    assert len(upstream.seen) == 3
    assert ask("add", ORDER, client={"idempotency": True}) == Placed(2)


def test_with_idempotency_an_add_is_made_again_no_more_often_than_allowed(ask: Ask, upstream: Upstream) -> None:
    upstream.panel = Panel(takes_idempotency_keys=True)
    upstream.faults.script(Fault.RESET_AFTER, Fault.EMPTY_AFTER, Fault.TRUNCATED)
    with pytest.raises(Ambiguous) as caught:
        ask("add", ORDER, client={"idempotency": True})
    assert caught.value.evidence.attempt == 1
    assert len(upstream.seen) == 3


@pytest.mark.parametrize("then", [b'{"error":"Not enough funds on balance"}', None], ids=["refused", "too many"])
def test_once_ambiguous_an_add_never_ends_as_definite(ask: Ask, upstream: Upstream, then: bytes | None) -> None:
    after = Reply(then) if then else Reply(b"", 429)
    upstream.canned = [Reply(b""), after, after, after]
    with pytest.raises(Ambiguous) as caught:
        ask("add", ORDER, client={"idempotency": True})
    assert caught.value.reason is Reason.EMPTY
    assert caught.value.later in {"Not enough funds on balance", "too many requests"}
    assert caught.value.later in str(caught.value)


@pytest.mark.parametrize("method", ["refill", "cancel"])
def test_refills_and_cancels_are_not_made_again_either(ask: Ask, upstream: Upstream, method: str) -> None:
    upstream.faults.script(Fault.RESET_AFTER, action=method)
    with pytest.raises(Ambiguous) as caught:
        ask(method, [1] if method == "cancel" else 1, client={"idempotency": True})
    assert not caught.value.retryable
    assert len(upstream.seen) == 1


def test_too_many_requests_are_waited_for_and_then_told(ask: Ask, upstream: Upstream) -> None:
    upstream.faults.script(Fault.TOO_MANY)
    assert ask("add", ORDER) == Placed(1)
    upstream.faults.script(Fault.TOO_MANY)
    upstream.retry_after = "3600"
    with pytest.raises(RateLimited) as caught:
        ask("add", ORDER)
    assert caught.value.retry_after == 3600
    assert caught.value.definite
    assert len(upstream.asked("add")) == 3


def test_a_timeout_is_ambiguous(ask: Ask, upstream: Upstream) -> None:
    upstream.faults.script(Fault.DELAY)
    upstream.delay_seconds = 2 * HANG_SECONDS
    with pytest.raises(Ambiguous) as caught:
        ask("add", ORDER, client={"timeout": httpx2.Timeout(HANG_SECONDS, read=0.2)})
    assert caught.value.reason is Reason.TIMEOUT
    until(lambda: upstream.panel.accepted, "the panel has read what was sent to it")
    assert len(upstream.panel.accepted) == 1


def test_an_answer_may_not_take_forever(ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradepost_client._transport.ANSWER_SECONDS_MAX", 0.01)
    upstream.faults.script(Fault.SLOW_BODY, action="services")
    with pytest.raises(Ambiguous) as caught:
        ask("services", client={"retry": None})
    assert caught.value.reason is Reason.TIMEOUT
    assert caught.value.evidence.status_code == 200


def test_an_answer_may_not_be_larger_than_allowed(ask: Ask, upstream: Upstream) -> None:
    upstream.canned = [Reply(b'{"order":1,"x":"' + b"x" * 100_000 + b'"}')]
    with pytest.raises(Ambiguous) as caught:
        ask("add", ORDER, client={"answer_bytes_max": 1_000})
    assert caught.value.reason is Reason.TOO_LARGE


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    "url", [f"http://127.0.0.1:{free_port()}/", "http://no-such-host.invalid/"], ids=["refused", "unknown name"]
)
def test_without_a_connection_nothing_was_sent(ask: Ask, url: str) -> None:
    with pytest.raises(NotSent) as caught:
        ask("add", ORDER, client={"url": url})
    assert caught.value.definite
    assert caught.value.retryable
    assert caught.value.evidence.attempt == 3
    assert "ConnectError" in caught.value.evidence.failure


def test_a_failed_tls_handshake_sent_nothing(ask: Ask, upstream: Upstream) -> None:
    with pytest.raises(NotSent):
        ask("add", ORDER, client={"url": upstream.url.replace("http:", "https:"), "retry": None})
    assert upstream.seen == []


@pytest.mark.parametrize(
    "error",
    [
        httpx2.WriteError("x"),
        httpx2.WriteTimeout("x"),
        httpx2.ReadError("x"),
        httpx2.LocalProtocolError("x"),
        OSError(),
    ],
)
def test_a_failure_that_may_come_amid_the_request_is_ambiguous(error: Exception) -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    with (
        Client("http://panel.example", "key", transport=httpx2.MockTransport(fail)) as client,
        pytest.raises(Ambiguous) as caught,
    ):
        client.add(ORDER)
    assert type(error).__name__ in caught.value.evidence.failure


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":null}', b'{"error":""}', b'{"error":false}', b"{}", b"[]", b"null", b'"ok"', b"1",
        b'{"status":"success"}', b'{"status":"fail","message":"no"}', b'{"order":0}', b'{"order":null}',
        b'{"order":"null"}', b'{"order":-5}', b'{"order":false}', b'{"order":[]}', b'{"order":1.5}',
        b'{"order":7,"error":"Something went wrong"}', b'[{"error":"Bad link"}]', b'{"data":{"error":"Bad link"}}',
        b'{"message":"no"}', b'{"errors":["no"]}', b'{"status":"error","message":"no"}', b'{"success":false,"order":7}',
        b'{"success":true,"error":"Bad link"}', b'{"error":"Bad link","data":{"order_id":7}}',
        b'{"Order":7,"order":"none","error":"Bad link"}',
    ],
)  # fmt: skip
def test_json_that_says_neither_yes_nor_no_is_ambiguous(ask: Ask, upstream: Upstream, body: bytes) -> None:
    upstream.canned = [Reply(body)]
    with pytest.raises(Ambiguous) as caught:
        ask("add", ORDER)
    assert caught.value.reason is Reason.UNEXPECTED


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error":"Bad link"}', "Bad link"),
        (b'{"error":"Bad link","order":null}', "Bad link"),
        (b'{"error":{"message":"Bad link"}}', "Bad link"),
        (b'{"error":true,"message":"Bad link"}', "Bad link"),
        (b'{"error":["Bad link"]}', '["Bad link"]'),
        (b'{"Error":"Bad link"}', "Bad link"),
        (b'{"success":false,"message":"Bad link"}', "Bad link"),
        (b'{"status":false,"data":{"msg":"Bad link"}}', "Bad link"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 422])
def test_json_with_an_error_is_a_refusal(ask: Ask, upstream: Upstream, body: bytes, text: str, status: int) -> None:
    upstream.canned = [Reply(body, status)]
    with pytest.raises(Refused) as caught:
        ask("add", ORDER)
    assert caught.value.text == text
    assert caught.value.words == "Bad link"


@pytest.mark.parametrize("status", [301, 307, 408, 500, 502, 503, 524])
def test_an_error_is_no_refusal_where_the_status_says_that_more_went_wrong(
    ask: Ask, upstream: Upstream, status: int
) -> None:
    upstream.canned = [Reply(b'{"error":"Server Error"}', status)]
    with pytest.raises(Ambiguous):
        ask("add", ORDER)


def test_the_evidence_is_whole(ask: Ask, upstream: Upstream) -> None:
    upstream.canned = [Reply(b"<html>" + b"x" * 3_000, 502, "text/html", (("X-Node", "7"),))]
    with pytest.raises(Ambiguous) as caught:
        ask("add", ORDER, client={"url": upstream.url + "?secret=1"})
    evidence = caught.value.evidence
    assert (evidence.action, evidence.url, evidence.status_code) == ("add", upstream.url, 502)
    assert evidence.parameters == {"service": "1", "link": ORDER.link, "quantity": "100"}
    assert dict(evidence.headers)["x-node"] == "7"
    assert evidence.body == "<html>" + "x" * 1_994
    assert evidence.seconds > 0
    assert evidence.started_at.tzinfo is not None


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b'{"error":"Server &amp; database"}', 500), "Server & database"),
        (Reply(b"<html><title>502 Bad Gateway</title></html>", 502, "text/html"), "502 Bad Gateway"),
        (Reply(b"Slow\r\n down", 429, "text/plain"), "Slow down"),
        (Reply(b'{"message":"' + b"x" * 3_000 + b'"}'), "x" * 500),
        (Reply(b"no \xff\x07 words"), "no words"),
    ],
)
def test_what_the_panel_said_can_be_shown_for_every_failure(
    ask: Ask, upstream: Upstream, reply: Reply, words: str
) -> None:
    upstream.canned = [reply]
    with pytest.raises(PanelError) as caught:
        ask("add", ORDER, client={"retry": None})
    assert caught.value.words == caught.value.evidence.words == words
    assert words in str(caught.value) or isinstance(caught.value, RateLimited)


def test_what_had_come_until_it_failed_is_evidence_too(ask: Ask, upstream: Upstream) -> None:
    upstream.faults.script(Fault.RESET_MIDWAY)
    with pytest.raises(Ambiguous) as caught:
        ask("add", ORDER)
    assert caught.value.evidence.status_code == 200


def test_the_key_is_nowhere_in_an_error(ask: Ask, upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")  # at DEBUG, httpcore2 logs the panel's headers, which here contain the key
    key = 'k/ey+"<1>'
    for status in (200, 500):
        echo = f'{{"error":"no {quote_plus(key)} or k\\/ey+\\"<1>","key":"k/ey+\\"<1>"}}'.encode()
        upstream.canned = [Reply(echo, status, headers=(("X-Key", key),))]
        with pytest.raises(PanelError) as caught:
            ask("add", ORDER, client={"key": key, "retry": None})
        error = caught.value
        assert error.__cause__ is error.__context__ is None
        for written in (key, quote_plus(key), 'k\\/ey+\\"<1>'):
            texts = f"{error!r} {error} {error.evidence!r} {caplog.text} {pickle.loads(pickle.dumps(error)).evidence}"
            assert written not in texts
    assert key not in repr(Client("http://panel.example", key, transport=httpx2.MockTransport(_unused)))


def _unused(_: httpx2.Request) -> httpx2.Response:
    raise AssertionError


def test_errors_survive_pickling(ask: Ask, upstream: Upstream) -> None:
    upstream.canned = [Reply(b'{"error":"Bad link"}'), Reply(b""), Reply(b"", 429, headers=(("Retry-After", "99"),))]
    for _ in range(3):
        with pytest.raises(PanelError) as caught:
            ask("add", ORDER)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (type(again), str(again), vars(again)) == (type(caught.value), str(caught.value), vars(caught.value))


@pytest.mark.parametrize(
    ("header", "limit", "attempts"),
    [("0", 30, 3), ("99", 30, 1), ("Wed, 21 Oct 2015 07:28:00 GMT", 30, 3), ("soon", 30, 3), ("", 30, 3)],
)
def test_retry_after_is_read_in_every_form(
    ask: Ask, upstream: Upstream, header: str, limit: int, attempts: int
) -> None:
    upstream.canned = [Reply(b"", 503, headers=(("Retry-After", header),))] * 3
    with pytest.raises(Ambiguous):
        ask("balance", client={"retry": Retry(wait_seconds=0.001, retry_after_seconds_max=limit)})
    assert len(upstream.seen) == attempts


def test_waits_double_up_to_their_limit() -> None:
    retry = Retry(attempts_max=10, wait_seconds=1, wait_seconds_max=5)
    error = NotSent(_evidence_of(QUICK))
    waits = [retry.wait(attempt, error) or 0 for attempt in range(1, 10)]
    for wait, longest in zip(waits, (1, 2, 4, 5, 5, 5, 5, 5, 5), strict=True):
        assert longest / 2 <= wait <= longest
    assert retry.wait(10, error) is None


def _evidence_of(retry: Retry) -> Any:
    with Client(f"http://127.0.0.1:{free_port()}", "key", retry=retry) as client:
        with pytest.raises(NotSent) as caught:
            client.balance()
        return caught.value.evidence


def test_a_canceled_task_is_not_swallowed(upstream: Upstream) -> None:
    upstream.faults.script(Fault.DELAY)
    upstream.delay_seconds = 2 * HANG_SECONDS

    async def run() -> None:
        async with AsyncClient(upstream.url, upstream.panel.key, timeout=HANG_SECONDS) as client:
            adding = asyncio.create_task(client.add(ORDER))
            await asyncio.to_thread(until, lambda: upstream.seen, "it is sent, and waits for its answer")
            adding.cancel()
            await adding

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
