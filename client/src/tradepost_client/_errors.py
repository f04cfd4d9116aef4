"""Why a call failed, and what the caller may do about it.

    PanelError          any failure, with its evidence
    ├── Refused         definite: the panel answered with an error; nothing was done
    ├── RateLimited     definite: the panel did not process the call; retry after `retry_after` seconds
    ├── NotSent         definite: no byte of the request left this machine; it may be sent again
    └── Ambiguous       the request may have left, and no answer shows the result: the order may exist

If `add` fails definitely, there is no order. After an ambiguous `add`, don't send the order again until a person, or
the panel's list of orders, confirms that there is none. For a call that only reads (`services`, `balance`, `status` …),
every failure but `Refused` is `retryable`, `Ambiguous` included.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import msgspec

BODY_CHARS_MAX = 2_000


class Reason(StrEnum):
    """Why a failure is ambiguous."""

    TIMEOUT = "timeout"  # while the request was being sent, or after it
    CONNECTION_LOST = "connection lost"  # closed or reset after the request had begun
    SERVER_ERROR = "server error"  # 5xx or 408, whatever the body contains
    REDIRECT = "redirect"  # 3xx; never followed
    EMPTY = "empty answer"
    TOO_LARGE = "answer too large"
    UNPARSABLE = "no JSON"  # a page, a truncated answer, anything else
    UNEXPECTED = "unexpected JSON"  # neither a result nor an error, or both


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The request and the answer. The API key is removed everywhere, even where the panel sent it back."""

    action: str
    url: str  # without user, password and query
    parameters: Mapping[str, str]
    attempt: int  # 1 for the first
    started_at: datetime  # UTC
    seconds: float  # from the start of this attempt to its end
    failure: str = ""  # the network's error, if there was no complete answer
    status_code: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""  # its first 2,000 characters
    words: str = ""  # what the panel said, in one line, wherever it stands; for people to read, nothing decides by it


class PanelError(Exception):
    """Any failure of a call to a panel."""

    definite: ClassVar[bool] = True
    """Whether it is certain that the panel did nothing."""

    def __init__(self, evidence: Evidence, *arguments: object) -> None:
        super().__init__(evidence, *arguments)  # all arguments, so that the error can be pickled
        self.evidence = evidence

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @property
    def words(self) -> str:
        """What the panel said, in one line of at most 500 characters, to be shown; empty if it said nothing.

        They may stand under any key (`message`, `errors` …), in a text that is no JSON, or in the title of a page.
        """
        return self.evidence.words

    @property
    def retryable(self) -> bool:
        """Whether the caller may repeat the call without doing anything twice."""
        return False


class Refused(PanelError):  # noqa: N818 - the names of the tree say what happened
    """The panel answered with an error, `text`. Nothing was done."""

    def __init__(self, evidence: Evidence, text: str) -> None:
        super().__init__(evidence, text)
        self.text = text

    def __str__(self) -> str:
        return self.text


class RateLimited(PanelError):  # noqa: N818
    """The panel answered 429 and did not process the call. `retry_after` is in seconds; None without a header."""

    def __init__(self, evidence: Evidence, retry_after: float | None) -> None:
        super().__init__(evidence, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return "too many requests" if self.retry_after is None else f"too many requests for {self.retry_after:g} s"

    @property
    def retryable(self) -> bool:
        """Always True, because the panel processed nothing."""
        return True


class NotSent(PanelError):  # noqa: N818
    """There was no connection: unknown name, connection refused, TLS failed, proxy refused, or the pool was full."""

    def __str__(self) -> str:
        return f"not sent: {self.evidence.failure}"

    @property
    def retryable(self) -> bool:
        """Always True, because no byte has left."""
        return True


class Ambiguous(PanelError):  # noqa: N818
    """The request may have left, and no answer shows the result.

    `retry_after` is the answer's header, in seconds. `later` is the error of a later attempt with the same idempotency
    key. It proves nothing about the first attempt: a panel that ignores such keys takes each attempt for a new order.
    """

    definite = False

    def __init__(
        self,
        evidence: Evidence,
        reason: Reason,
        *,
        reads: bool = False,
        retry_after: float | None = None,
        later: str = "",
    ) -> None:
        super().__init__(evidence, reason)
        self.reason = reason
        self.retry_after = retry_after
        self.later = later
        self._reads = reads

    def __str__(self) -> str:
        detail = self.evidence.failure or (f"status {self.evidence.status_code}" if self.evidence.status_code else "")
        texts = (f" ({detail})" if detail else "", f": {self.words}" if self.words else "")
        return f"{self.reason.value}{''.join(texts)}{f'; then {self.later}' if self.later else ''}"

    @property
    def retryable(self) -> bool:
        """True only if the call only reads: any other call may have been done."""
        return self._reads
