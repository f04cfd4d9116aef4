"""From a call to its result or its error, attempt by attempt, without any I/O.

`Panel.run` yields the next step (`Send` or `Pause`) and receives the step's result. The two clients only carry out the
steps. So one place decides which failures are definite:

1. There was no connection: `NotSent`.
2. Status 429: `RateLimited`.
3. Status 3xx, 5xx or 408: ambiguous, even with an error in the body. A panel that fails after it saved the order may
   report that failure in JSON.
4. JSON that answers the call: the result.
5. JSON that carries an error (`_answers.error`), with neither a result nor "success" next to it: `Refused`. If the call
   only reads, an error that is wrapped (`{"data": {"error": …}}`) is one, too.
6. Everything else: ambiguous. `{"message": …}` alone is, since it may be about an order that exists.
"""

import secrets
import time
from collections.abc import Generator
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from tradepost_client import _answers, _json, _words
from tradepost_client._answers import NotUnderstood
from tradepost_client._calls import Call
from tradepost_client._errors import (
    BODY_CHARS_MAX,
    Ambiguous,
    Evidence,
    NotSent,
    PanelError,
    RateLimited,
    Reason,
    Refused,
)
from tradepost_client._json import Json, NoJson
from tradepost_client._retry import Retry, retry_after_seconds
from tradepost_client._secrets import Key

BODY_BYTES_MAX = 8 * BODY_CHARS_MAX  # of a body in evidence, before the key is hidden


class Send(msgspec.Struct, frozen=True):
    """A step: POST this form to the panel. Its result is an `Answer` or a `Failure`."""

    form: bytes

    def __repr__(self) -> str:
        return "Send()"  # the key is in the form


class Pause(msgspec.Struct, frozen=True):
    """A step: wait. It has no result."""

    seconds: float


class Answer(msgspec.Struct, frozen=True):
    """The panel's complete answer; in a `Failure`, the part that arrived."""

    status_code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Failure(msgspec.Struct, frozen=True):
    """There is no complete answer. `reason` is None if no byte has left; `answer` is the part that arrived."""

    text: str
    reason: Reason | None
    answer: Answer | None = None


type Step = Send | Pause
type StepResult = Answer | Failure | None


class Panel:
    """A panel's URL and key, and the rules by which calls to it are made and repeated. Does no I/O."""

    def __init__(self, url: str, key: str, *, retry: Retry, idempotency: bool) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the URL of a panel begins with http:// or https:// and a host")
        self.shown_url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self.idempotency = idempotency
        self._key = Key(key)
        self._retry = retry

    def new_idempotency_key(self) -> str | None:
        """Return a new idempotency key; None if the panel takes none."""
        return secrets.token_hex(16) if self.idempotency else None

    def run[T](self, call: Call[T]) -> Generator[Step, StepResult, T]:
        """Make a call, and repeat it where that is safe. Returns the call's result or raises a `PanelError`.

        A call that was ambiguous once never ends as `Refused`, because only the later attempt was refused.
        """
        form = urlencode({"key": self._key.reveal(), "action": call.action, **call.parameters}).encode()
        first_ambiguous: Ambiguous | None = None
        attempt = 0
        while True:
            attempt += 1
            clock = _Clock()
            reply = yield Send(form)
            assert reply is not None
            result = self._judge(call, reply, self._evidence(call, reply, attempt, clock))
            if not isinstance(result, PanelError):
                return result
            if isinstance(result, Ambiguous) and not call.only_reads:
                first_ambiguous = first_ambiguous or result
            elif first_ambiguous:
                first_ambiguous.later = str(result)
            wait = self._retry.wait(attempt, result) if self._may_repeat(call, result) else None
            if wait is None:
                raise first_ambiguous or result
            yield Pause(wait)

    def _may_repeat(self, call: Call[object], error: PanelError) -> bool:
        return error.retryable or (
            isinstance(error, Ambiguous) and self.idempotency and "idempotency_key" in call.parameters
        )

    def _judge[T](self, call: Call[T], reply: Answer | Failure, evidence: Evidence) -> T | PanelError:
        if isinstance(reply, Failure):
            if reply.reason is None:
                return NotSent(evidence)
            return Ambiguous(evidence, reply.reason, reads=call.only_reads)
        is_limited = reply.status_code == HTTPStatus.TOO_MANY_REQUESTS
        content = _RateLimit() if is_limited else _interpret(call, reply)
        if not isinstance(content, _ErrorText | Reason | _RateLimit):
            return content
        evidence = msgspec.structs.replace(evidence, words=self._key.hide(_words.of_body(reply.body)))
        if isinstance(content, _ErrorText):
            return Refused(evidence, self._key.hide(content.text))
        if isinstance(content, Reason):
            return Ambiguous(evidence, content, reads=call.only_reads, retry_after=_retry_after(reply))
        return RateLimited(evidence, _retry_after(reply))

    def _evidence(self, call: Call[object], reply: Answer | Failure, attempt: int, clock: "_Clock") -> Evidence:
        answer = reply.answer if isinstance(reply, Failure) else reply
        hide = self._key.hide
        evidence = Evidence(
            action=call.action,
            url=hide(self.shown_url),
            parameters={name: hide(value) for name, value in call.parameters.items()},
            attempt=attempt,
            started_at=clock.started_at,
            seconds=clock.seconds(),
            failure=hide(reply.text) if isinstance(reply, Failure) else "",
        )
        if answer is None:
            return evidence
        body = hide(answer.body[:BODY_BYTES_MAX].decode("utf-8", "replace"))
        return msgspec.structs.replace(
            evidence,
            status_code=answer.status_code,
            headers=tuple((hide(name), hide(value)) for name, value in answer.headers),
            body=body[:BODY_CHARS_MAX],
        )


class _Clock:
    def __init__(self) -> None:
        self.started_at = datetime.now(UTC)
        self._started = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self._started


class _ErrorText(msgspec.Struct, frozen=True):
    text: str


class _RateLimit(msgspec.Struct, frozen=True):
    pass


def _interpret[T](call: Call[T], answer: Answer) -> T | _ErrorText | Reason:
    """Return the answer's result, its error, or the reason why it contains neither."""
    reason = _unreadable_reason(answer)
    if reason:
        return reason
    try:
        value = _json.find_answer(answer.body)
    except NoJson:
        return Reason.UNPARSABLE
    return _read(call, value) if call.only_reads else _changed(call, value)


def _read[T](call: Call[T], value: Json) -> T | _ErrorText | Reason:
    """Return the result of a call that only reads. It may be made again, so any error is one."""
    error = _answers.wrapped_error(value)
    try:
        result = call.parse(value)
    except NotUnderstood as not_understood:
        error = error or not_understood.error
        return _ErrorText(error) if error else Reason.UNEXPECTED
    return _ErrorText(error) if error else result


def _changed[T](call: Call[T], value: Json) -> T | _ErrorText | Reason:
    """Return the result of any other call. An error beside a result, or beside "success", contradicts itself."""
    error = _answers.error(value)
    try:
        result = call.parse(value)
    except NotUnderstood:
        return _ErrorText(error) if error and not _answers.claims_success(value) else Reason.UNEXPECTED
    return Reason.UNEXPECTED if error else result


def _unreadable_reason(answer: Answer) -> Reason | None:
    """Return the reason why an answer proves nothing, whatever its body contains."""
    status = answer.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Reason.SERVER_ERROR
    if status >= HTTPStatus.MULTIPLE_CHOICES and status < HTTPStatus.BAD_REQUEST:
        return Reason.REDIRECT
    if not answer.body.strip():
        return Reason.EMPTY
    return None


def _retry_after(answer: Answer) -> float | None:
    header = next((value for name, value in answer.headers if name.lower() == "retry-after"), "")
    return retry_after_seconds(header) if header else None
