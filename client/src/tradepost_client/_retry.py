"""How often the client repeats a failed call, and after which wait."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from tradepost_client._errors import Ambiguous, PanelError, RateLimited


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of retries. `attempts_max` counts the first attempt, so 1 means no retry.

    Waits double from `wait_seconds` up to `wait_seconds_max`; each is shortened at random by up to a half. The client
    obeys a panel's `Retry-After` up to `retry_after_seconds_max`. If the panel asks for a longer wait, the client gives
    up and the caller decides.
    """

    attempts_max: int = 3
    wait_seconds: float = 0.5
    wait_seconds_max: float = 10
    retry_after_seconds_max: float = 30

    def wait(self, attempt: int, error: PanelError) -> float | None:
        """Return the seconds to wait after this attempt (the first is 1), or None to give up."""
        if attempt >= self.attempts_max:
            return None
        if isinstance(error, RateLimited | Ambiguous) and error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.retry_after_seconds_max else None
        wait = min(self.wait_seconds * 2.0 ** min(attempt - 1, 30), self.wait_seconds_max)
        return wait * random.uniform(0.5, 1)  # noqa: S311 - clients that failed together must not return together


NO_RETRY = Retry(attempts_max=1)


def retry_after_seconds(header: str) -> float | None:
    """Parse the header `Retry-After`, seconds or a date. Return None for anything else."""
    header = header.strip()
    if header.isascii() and header.isdigit() and len(header) < 10:  # noqa: PLR2004 - 30 years
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
