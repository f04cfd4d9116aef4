"""From a call to its result or its error, attempt by attempt, without any I/O.

`Panel.run` says what to do next and is told what came of it; the two clients do nothing but that. So that there is one
place which decides what is definite:

1. No connection came about: `NotSent`.
2. Status 429: `RateLimited`.
3. Status 3xx, 5xx or 408: ambiguous, even with an error in the body. Whoever fails after the order is written may
   well say so in JSON.
4. JSON that answers the call: the result.
5. JSON with an error, and no sign of the thing done beside it: `Refused`.
6. Everything else: ambiguous.
"""

import secrets
import time
from collections.abc import Generator
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from tradepost_client import _answers, _json
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

BODY_BYTES_LOOKED_AT = 8 * BODY_CHARS_MAX


class Send(msgspec.Struct, frozen=True):
    """To do: POST this form to the panel, and tell the `Answer` or the `Failure`."""

    form: bytes

    def __repr__(self) -> str:
        return "Send()"  # the key is in the form


class Pause(msgspec.Struct, frozen=True):
    """To do: wait; there is nothing to tell."""

    seconds: float


class Answer(msgspec.Struct, frozen=True):
    """What the panel sent, whole."""

    status_code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Failure(msgspec.Struct, frozen=True):
    """There is no whole answer. `reason` is None if nothing has left; `answer` is what had come until then."""

    text: str
    reason: Reason | None
    answer: Answer | None = None


type Step = Send | Pause
type Outcome = Answer | Failure | None


class Panel:
    """What is known of a panel, and how calls to it are made."""

    def __init__(self, url: str, key: str, *, retry: Retry, idempotency: bool) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the URL of a panel begins with http:// or https:// and a host")
        self.shown_url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self.idempotency = idempotency
        self._key = Key(key)
        self._retry = retry

    def new_idempotency_key(self) -> str | None:
        """Make an idempotency key, if the panel is said to take them."""
        return secrets.token_hex(16) if self.idempotency else None

    def run[T](self, call: Call[T]) -> Generator[Step, Outcome, T]:
        """Make a call, as often as its kind and the limits allow. Returns its result or raises a `PanelError`.

        A call that was once ambiguous never ends as refused: the refusal is of the later attempt.
        """
        form = urlencode({"key": self._key.reveal(), "action": call.action, **call.parameters}).encode()
        doubt: Ambiguous | None = None
        attempt = 0
        while True:
            attempt += 1
            clock = _Clock()
            outcome = yield Send(form)
            assert outcome is not None
            result = self._judge(call, outcome, self._evidence(call, outcome, attempt, clock))
            if not isinstance(result, PanelError):
                return result
            if isinstance(result, Ambiguous) and not call.reads:
                doubt = doubt or result
            elif doubt:
                doubt.later = str(result)
            wait = self._retry.wait(attempt, result) if self._may_be_made_again(call, result) else None
            if wait is None:
                raise doubt or result
            yield Pause(wait)

    def _may_be_made_again(self, call: Call[object], error: PanelError) -> bool:
        return error.retryable or (
            isinstance(error, Ambiguous) and self.idempotency and "idempotency_key" in call.parameters
        )

    def _judge[T](self, call: Call[T], outcome: Answer | Failure, evidence: Evidence) -> T | PanelError:
        if isinstance(outcome, Failure):
            if outcome.reason is None:
                return NotSent(evidence)
            return Ambiguous(evidence, outcome.reason, reads=call.reads)
        retry_after = _retry_after(outcome)
        if outcome.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimited(evidence, retry_after)
        understood = _understand(call, outcome)
        if isinstance(understood, _Error):
            return Refused(evidence, self._key.hide(understood.text))
        if isinstance(understood, Reason):
            return Ambiguous(evidence, understood, reads=call.reads, retry_after=retry_after)
        return understood

    def _evidence(self, call: Call[object], outcome: Answer | Failure, attempt: int, clock: "_Clock") -> Evidence:
        answer = outcome.answer if isinstance(outcome, Failure) else outcome
        hide = self._key.hide
        told = Evidence(
            action=call.action,
            url=hide(self.shown_url),
            parameters={name: hide(value) for name, value in call.parameters.items()},
            attempt=attempt,
            started_at=clock.started_at,
            seconds=clock.seconds(),
            failure=hide(outcome.text) if isinstance(outcome, Failure) else "",
        )
        if answer is None:
            return told
        body = hide(answer.body[:BODY_BYTES_LOOKED_AT].decode("utf-8", "replace"))
        return msgspec.structs.replace(
            told,
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


class _Error(msgspec.Struct, frozen=True):
    text: str


def _understand[T](call: Call[T], answer: Answer) -> T | _Error | Reason:
    """Return what an answer says: the result, the error it carries, or why it says nothing."""
    status = answer.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Reason.SERVER_ERROR
    if status >= HTTPStatus.MULTIPLE_CHOICES and status < HTTPStatus.BAD_REQUEST:
        return Reason.REDIRECT
    if not answer.body.strip():
        return Reason.EMPTY
    try:
        value = _json.find(answer.body)
    except NoJson:
        return Reason.UNPARSABLE
    error = _answers.error(value)
    result = _read(call, value)
    if error:  # with the thing done beside it, it contradicts itself
        return Reason.UNEXPECTED if result is not None and not call.reads else _Error(error)
    return Reason.UNEXPECTED if result is None else result


def _read[T](call: Call[T], value: Json) -> T | None:
    try:
        return call.read(value)
    except NotUnderstood:
        return None


def _retry_after(answer: Answer) -> float | None:
    header = next((value for name, value in answer.headers if name.lower() == "retry-after"), "")
    return retry_after_seconds(header) if header else None
