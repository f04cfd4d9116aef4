"""How often a key may ask: counted by each server process, in memory and for itself (decision 13).

A key may use the allowance of a whole minute at once, and it comes back evenly. This is the generic cell rate
algorithm: all that is kept of a key is its limit, and when its allowance will be whole again. Times are whole
nanoseconds of a monotonic clock, given in; limits are requests a minute, 0 for none.
"""

import msgspec

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
KEYS_MAX = 50_000


class Allowance(msgspec.Struct, frozen=True):
    """What a key with a limit has left. A request is refused if it says when to try again; else that is 0."""

    limit: int
    remaining: int
    whole_in_seconds: int
    retry_in_seconds: int = 0


class _Bucket:
    __slots__ = ("limit", "whole_at")

    def __init__(self) -> None:
        self.limit: int | None = None  # the default
        self.whole_at = 0


class Limiter:
    """Counts the requests of every key, unknown ones too, which have the default limit.

    It remembers the `keys_max` keys that asked last, and at most as many again: a key is forgotten when so many others
    have asked since. In a flood of made-up keys nothing grows, and keys in use stay known.
    """

    def __init__(self, default: int, *, keys_max: int = KEYS_MAX) -> None:
        self.default = default  # may be changed at any time, and holds from the next request on
        self._keys_max = keys_max
        self._recent: dict[bytes, _Bucket] = {}
        self._older: dict[bytes, _Bucket] = {}

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def take(self, key: bytes, now: int) -> Allowance | None:
        """Count a request, unless it is refused, and return what the key has left; None if it has no limit."""
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
        """Give a key a limit of its own, or with None the default. What it has used of its minute stays used."""
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
    """Return whole seconds, rounded up: who waits so long has waited long enough."""
    return -(-ns // SECOND_NS)
