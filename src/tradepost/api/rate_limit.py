"""Limits the requests a minute of each key. Each server process counts on its own, in memory (decision 13).

A key may use the allowance of a whole minute at once; then the allowance comes back evenly. This is the generic cell
rate algorithm: for each key only its limit is kept, and the time when its allowance is full again. The caller passes
the time, in whole nanoseconds of a monotonic clock. Limits are requests a minute; 0 means no limit.
"""

import msgspec

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
KEYS_MAX = 50_000


class Allowance(msgspec.Struct, frozen=True):
    """The requests that a key with a limit has left. If `retry_in_seconds` is not 0, the request is refused."""

    limit: int
    remaining: int
    whole_in_seconds: int
    retry_in_seconds: int = 0


class _Bucket:
    __slots__ = ("limit", "whole_at")

    def __init__(self) -> None:
        self.limit: int | None = None  # None: the default limit applies
        self.whole_at = 0


class Limiter:
    """Counts the requests of every key. Keys that don't exist are counted too, with the default limit.

    The limiter remembers the `keys_max` keys used last, and at most as many older ones. A key is forgotten only after
    at least `keys_max` other keys were used. So a flood of made-up keys can't fill the memory, and keys in use stay
    known.
    """

    def __init__(self, default: int, *, keys_max: int = KEYS_MAX) -> None:
        self.default = default  # may change at any time, and applies from the next request on
        self._keys_max = keys_max
        self._recent: dict[bytes, _Bucket] = {}
        self._older: dict[bytes, _Bucket] = {}

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def take(self, key: bytes, now: int) -> Allowance | None:
        """Count a request and return what the key has left. Return None if the key has no limit.

        A refused request is not counted.
        """
        bucket = self._bucket(key)
        limit = self.default if bucket.limit is None else bucket.limit
        if not limit:
            return None
        interval = -(-MINUTE_NS // limit)  # rounded up: never more than the limit
        whole_at = max(bucket.whole_at, now) + interval
        left = now + limit * interval - whole_at
        if left < 0:
            return Allowance(limit, 0, _seconds(bucket.whole_at - now), _seconds(-left))
        bucket.whole_at = whole_at
        return Allowance(limit, left // interval, _seconds(whole_at - now))

    def set_limit(self, key: bytes, limit: int | None) -> None:
        """Set the limit of a key; None means the default. The requests that the key has already made still count."""
        self._bucket(key).limit = limit

    def _bucket(self, key: bytes) -> _Bucket:
        bucket = self._recent.get(key)
        if bucket is None:
            bucket = self._older.pop(key, None) or _Bucket()
            if len(self._recent) >= self._keys_max:
                self._older, self._recent = self._recent, {}
            self._recent[key] = bucket
        return bucket


def _seconds(ns: int) -> int:
    """Return whole seconds, rounded up, so that a client that waits this long has waited long enough."""
    return -(-ns // SECOND_NS)
