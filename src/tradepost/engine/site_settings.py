"""The desk's settings, which the operator can change while the desk runs. Every process holds them in memory.

They stay current as the catalog does (decision 4). A change increases the catalog's version, and the statements that
look up keys and lock accounts return this version. If it differs from the version in memory, the process reads the row
again.
"""

import msgspec
from psycopg import Connection, Cursor


class SiteSettings(msgspec.Struct, frozen=True):
    """The settings that the API shows or obeys, and the catalog's version at which they were read.

    `requests_a_minute` is the limit of keys that have no limit of their own. If it is None, the environment's applies.
    """

    version: int
    currency: str
    requests_a_minute: int | None


_DESK = """
SELECT v.version, s.currency, s.requests_a_minute FROM catalog_catalogversion v, site_settings s
"""

_cached: SiteSettings | None = None  # a process uses one database, so it has one desk


def cached_settings() -> SiteSettings | None:
    """Return the settings in memory, which may be out of date; None if this process has not read them yet."""
    return _cached


def settings_at(connection: Connection, version: int) -> SiteSettings:
    """Return the settings at this catalog version or a later one. Read them if those in memory differ in version."""
    return _cached if _cached is not None and _cached.version == version else read_settings(connection)


def read_settings(connection: Connection) -> SiteSettings:
    """Read the settings from the database and keep them in memory."""
    global _cached  # noqa: PLW0603 - the one value that a process holds
    row = Cursor(connection).execute(_DESK, prepare=True).fetchone()
    assert row, "migrating makes this row"
    _cached = SiteSettings(*row)
    return _cached
