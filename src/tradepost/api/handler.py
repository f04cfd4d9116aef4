"""Reads a request and makes the HTTP reply, for both ways in: ASGI (`app`) and our own protocol (`protocol`)."""

import math
import time
from collections.abc import Callable
from functools import partial

import msgspec

from tradepost.api.group_commit import DatabaseUnavailableError
from tradepost.api.head_cache import Head
from tradepost.api.parameters import is_understood, parse_parameters
from tradepost.api.rate_limit import Allowance
from tradepost.api.v2 import Answer, Api, Call
from tradepost.engine import keys

type Headers = tuple[tuple[bytes, bytes], ...]

JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")
TEXT: tuple[bytes, bytes] = (b"content-type", b"text/plain; charset=utf-8")
JSON_ONLY: Headers = (JSON,)
SAFE: Headers = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))  # on every reply
SAFE_LINES = b"".join(b"%s: %s\r\n" % header for header in SAFE)
GZIPPED: Headers = (JSON, (b"content-encoding", b"gzip"), (b"vary", b"accept-encoding"))


class Reply(msgspec.Struct, frozen=True):
    """An HTTP reply. `headers` lacks the content length and `SAFE`: the sender adds them."""

    status: int
    body: bytes
    headers: Headers


TOO_LARGE = Reply(413, b"Request body too large\n", (TEXT, (b"connection", b"close")))
_UNAVAILABLE = Reply(503, b"Temporarily unavailable\n", (TEXT, (b"retry-after", b"1")))


def read_call(head: Head, query: bytes, body: bytes, address: str | None) -> Call:
    """Read a request. If it has no `key` parameter, use the key in its `authorization` header."""
    parameters = parse_parameters(query, head.content_type, body)
    key = parameters.pop("key", None) or head.bearer
    if body and not (key and "action" in parameters) and not is_understood(head.content_type, body):
        return Call(keys.digest(""), {}, address, is_understood=False)
    return Call(
        keys.digest(key),  # a missing key gets the digest of the empty string, which no key has
        parameters,
        address,
        head.takes_gzip,
        head.idempotency_key,
    )


def respond(api: Api, call: Call, done: Callable[[Reply], None]) -> None:
    """Answer a call, or refuse it with 429. `done` gets the reply, at once or later, in the event loop."""
    allowance = api.admission.admit(call.key)
    if allowance and allowance.retry_in_seconds:
        retry_after = (b"retry-after", b"%d" % allowance.retry_in_seconds)
        done(Reply(429, b"Too many requests\n", (TEXT, retry_after, *_limit_headers(allowance))))
    else:
        api.answer(call, partial(_answered, allowance, done))


def _answered(
    allowance: Allowance | None, done: Callable[[Reply], None], answer: Answer | DatabaseUnavailableError
) -> None:
    if isinstance(answer, DatabaseUnavailableError):
        done(_UNAVAILABLE)
        return
    headers = GZIPPED if answer.gzipped else JSON_ONLY
    done(Reply(200, answer.body, headers + _limit_headers(allowance) if allowance else headers))


def _limit_headers(allowance: Allowance) -> Headers:
    """Return the rate-limit headers. The reset is in seconds since 1970, as clients expect of this header."""
    return (
        (b"x-ratelimit-limit", b"%d" % allowance.limit),
        (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
        (b"x-ratelimit-reset", b"%d" % math.ceil(time.time() + allowance.whole_in_seconds)),
    )
