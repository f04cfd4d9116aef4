"""Asks a service which passwords have leaked, by k-anonymity: only five characters of the password's SHA-1 leave.

The service answers with the rest of all digests that begin so, and we compare here. It never holds up a sign-up.
"""

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import cache

import httpx2

PREFIX_CHARS = 5
SECONDS_MAX = 2.0
ASKED_AT_ONCE_MAX = 4
ANSWER_BYTES_MAX = 1024 * 1024

logger = logging.getLogger(__name__)


def is_known(url: str, password: str) -> bool:
    """Return whether the service at `url` knows the password. If it is away or slow, return False."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        answer = _threads().submit(_ask, f"{url}/{digest[:PREFIX_CHARS]}").result(SECONDS_MAX)
    except (httpx2.HTTPError, FutureTimeoutError) as error:
        logger.warning("The service for leaked passwords does not answer: %r", error)
        return False
    rest = digest[PREFIX_CHARS:]
    known = (line.strip().partition(":") for line in answer.splitlines())
    # With padding, the answer has lines with a count of 0 that stand for nothing.
    return any(suffix.upper() == rest and count != "0" for suffix, _, count in known)


def _ask(url: str) -> str:
    """Read an answer. The time is limited for each step here, and as a whole by the caller."""
    headers = {"Add-Padding": "true", "User-Agent": "Tradepost"}
    with httpx2.stream("GET", url, headers=headers, timeout=SECONDS_MAX) as response:
        response.raise_for_status()
        body = b""
        for part in response.iter_bytes():
            body += part
            if len(body) > ANSWER_BYTES_MAX:
                raise httpx2.RequestError("the answer is too long")
    return body.decode(errors="replace")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(ASKED_AT_ONCE_MAX, thread_name_prefix="leaked passwords")
