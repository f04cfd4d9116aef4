"""The cache in PostgreSQL in which django-allauth counts attempts: one count for all processes, hosts and restarts.

Values are JSON. Other caches of Django pickle their values, or drop rows when there are many, which would let an
attacker who fills the table erase the counts against them. Expired rows are deleted by `sweep`.
"""

import json
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

from tradepost.accounts.models import RateLimitCount

_GET = "SELECT value FROM accounts_ratelimitcount WHERE key = %s AND expires_at > clock_timestamp()"
_SET = """
INSERT INTO accounts_ratelimitcount AS kept (key, value, expires_at)
VALUES (%(key)s, %(value)s::jsonb, coalesce(to_timestamp(%(expires)s), 'infinity'))
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
"""
_ADD = f"{_SET} WHERE kept.expires_at <= clock_timestamp() RETURNING true"
_SWEEP = "DELETE FROM accounts_ratelimitcount WHERE expires_at <= clock_timestamp()"


class AttemptsCache(BaseCache):
    """A cache of Django over the table of `RateLimitCount`."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Store a value unless there is one. Return whether it was stored; of two processes only one gets True."""
        return self._write(_ADD, key, value, timeout, version)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return the value, or `default` if there is none or its time is over."""
        with connection.cursor() as cursor:
            cursor.execute(_GET, [self.make_and_validate_key(key, version=version)])
            row = cursor.fetchone()
        return json.loads(row[0]) if row else default

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._write(_SET, key, value, timeout, version)

    def delete(self, key: str, version: int | None = None) -> bool:
        """Delete a value. Return whether there was one."""
        deleted, _ = RateLimitCount.objects.filter(pk=self.make_and_validate_key(key, version=version)).delete()
        return bool(deleted)

    def clear(self) -> None:
        RateLimitCount.objects.all().delete()

    def _write(self, statement: str, key: str, value: Any, timeout: Any, version: int | None) -> bool:
        parameters = {
            "key": self.make_and_validate_key(key, version=version),
            "value": json.dumps(value),
            "expires": self.get_backend_timeout(timeout),
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return bool(cursor.rowcount)


def sweep() -> None:
    """Delete the counts whose time is over."""
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP)
