"""Why a call failed, and what may be done about it.

    PanelError          what went wrong, with its evidence
    ├── Refused         definite: the panel answered with an error; nothing was done
    ├── RateLimited     definite: the panel did not look at it; ask again after `retry_after` seconds
    ├── NotSent         definite: no byte of the request left this machine; it may be sent again
    └── Ambiguous       the request may have left, and no answer says what became of it: the order may exist

A definite failure of `add` means that there is no order. After an ambiguous one it must not be sent again before a
person, or the panel's list of orders, has said that there is none. Of a call that only reads (`services`, `balance`,
`status` …) every failure but `Refused` is `retryable`, `Ambiguous` included.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import msgspec

BODY_CHARS_MAX = 2_000


class Reason(StrEnum):
    """Why a failure is ambiguous."""

    TIMEOUT = "timeout"  # it was sent, or was being sent, and time ran out
    CONNECTION_LOST = "connection lost"  # closed or reset after the request had begun
    SERVER_ERROR = "server error"  # 5xx or 408, whatever stands in the body
    REDIRECT = "redirect"  # 3xx; never followed
    EMPTY = "empty answer"
    TOO_LARGE = "answer too large"
    UNPARSABLE = "no JSON"  # a page, a truncated answer, anything else
    UNEXPECTED = "unexpected JSON"  # it says neither what was done nor that there was an error


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked and what came back. The API key is in none of it, not even where the panel echoed it."""

    action: str
    url: str  # without query and user
    parameters: Mapping[str, str]
    attempt: int  # 1 for the first
    started_at: datetime  # UTC
    seconds: float  # from the start of this attempt to its end
    failure: str = ""  # what the network said, if there was no answer
    status_code: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""  # its first 2,000 characters


class PanelError(Exception):
    """Any failure of a call to a panel."""

    definite: ClassVar[bool] = True
    """Whether it is certain that the panel did nothing."""

    def __init__(self, evidence: Evidence, *told: object) -> None:
        super().__init__(evidence, *told)  # all of it, so that it can be pickled
        self.evidence = evidence

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @property
    def retryable(self) -> bool:
        """Whether the same call may be made again without doing anything twice."""
        return False


class Refused(PanelError):  # noqa: N818 - the tree reads as what happened
    """The panel answered with an error, `text`: nothing was done."""

    def __init__(self, evidence: Evidence, text: str) -> None:
        super().__init__(evidence, text)
        self.text = text

    def __str__(self) -> str:
        return self.text


class RateLimited(PanelError):  # noqa: N818
    """The panel answered 429 and did not look at the call; `retry_after` is in seconds, None if it did not tell."""

    def __init__(self, evidence: Evidence, retry_after: float | None) -> None:
        super().__init__(evidence, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return "too many requests" if self.retry_after is None else f"too many requests for {self.retry_after:g} s"

    @property
    def retryable(self) -> bool:
        """Yes: the panel looked at nothing."""
        return True


class NotSent(PanelError):  # noqa: N818
    """No connection came about: unknown name, connection refused, TLS failed, proxy refused, no connection free."""

    def __str__(self) -> str:
        return f"not sent: {self.evidence.failure}"

    @property
    def retryable(self) -> bool:
        """Yes: nothing has left."""
        return True


class Ambiguous(PanelError):  # noqa: N818
    """The request may have left, and no answer says what became of it.

    `retry_after` is what the answer's header said, in seconds. `later` is what a further attempt with the same
    idempotency key met with: no proof, since a panel that does not know such keys takes it for another order.
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
        told = self.evidence.failure or (f"status {self.evidence.status_code}" if self.evidence.status_code else "")
        return f"{self.reason.value}{f' ({told})' if told else ''}{f'; then {self.later}' if self.later else ''}"

    @property
    def retryable(self) -> bool:
        """Only if the call reads: anything else may have been done."""
        return self._reads
