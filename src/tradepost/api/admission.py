"""Admits or refuses each request by its key's rate limit, before it reaches a lane of `v2` (decision 13).

Limits are kept in memory. Every `RECORD_USE_SECONDS` the keys used lately are recorded in the database, and the same
statement returns their limits. So if staff change a key's limit, the change applies a few seconds after the key's next
request.
"""

import asyncio
from functools import partial
from time import monotonic_ns

from tradepost.api.group_commit import DatabaseUnavailableError, Lane
from tradepost.api.rate_limit import Allowance, Limiter
from tradepost.engine.authentication import record_key_use
from tradepost.engine.site_settings import SiteSettings, cached_settings

USED_KEYS_MAX = 10_000
RECORD_USE_SECONDS = 5


class Admission:
    """Counts requests by key, and records which keys are in use. Start it inside the event loop.

    `requests_a_minute` is the limit for keys without a limit of their own; 0 means no limit. It applies until the
    operator's setting has been read from the database, and afterwards if the operator has set none.
    """

    def __init__(self, conninfo: str, *, requests_a_minute: int) -> None:
        self._lane: Lane[bytes, int | None] = Lane("admission", conninfo, record_key_use)
        self._limiter = Limiter(requests_a_minute)
        self._requests_a_minute = requests_a_minute
        self._settings: SiteSettings | None = None  # the settings that the limiter's default comes from
        self._used_keys: set[bytes] = set()  # since they were last recorded

    def start(self) -> None:
        self._lane.start()
        self._record_use()

    def stop(self) -> None:
        self._lane.stop()

    def admit(self, key: bytes) -> Allowance | None:
        """Count a request, and return what its key has left (see `Limiter.take`)."""
        if len(self._used_keys) < USED_KEYS_MAX:
            self._used_keys.add(key)
        if (settings := cached_settings()) is not self._settings:
            self._take_default_limit(settings)
        return self._limiter.take(key, monotonic_ns())

    def _take_default_limit(self, settings: SiteSettings | None) -> None:
        self._settings = settings
        limit = settings.requests_a_minute if settings else None
        self._limiter.default = self._requests_a_minute if limit is None else limit

    def _record_use(self) -> None:
        """Record the keys used lately and get their limits, now and every `RECORD_USE_SECONDS`.

        A crash before the next time loses when some keys were last used, and nothing else.
        """
        for key in self._used_keys:
            self._lane.ask(key, partial(self._set_limit, key))
        self._used_keys = set()
        asyncio.get_running_loop().call_later(RECORD_USE_SECONDS, self._record_use)

    def _set_limit(self, key: bytes, limit: int | DatabaseUnavailableError | None) -> None:
        if not isinstance(limit, DatabaseUnavailableError):  # else keep the old limit until the next time
            self._limiter.set_limit(key, limit)
