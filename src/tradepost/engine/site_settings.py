"""What the operator has set for the whole desk and can change while it runs, as every node holds it in memory.

It is kept exact as the catalog is (decision 4): a change counts the catalog's version up, which the statements that
look up keys and lock accounts bring along; whoever sees another one than it holds reads the one row anew.
"""

import msgspec
from psycopg import Connection, Cursor


class SiteSettings(msgspec.Struct, frozen=True):
    """The desk's settings, as far as the API shows or obeys them, and the catalog's version they were read at.

    `requests_a_minute` is what a key may make that has no limit of its own; None: as the environment says.
    """

    version: int
    currency: str
    requests_a_minute: int | None


_DESK = """
SELECT v.version, s.currency, s.requests_a_minute FROM catalog_catalogversion v, site_settings s
"""

_cached: SiteSettings | None = None  # one database a process, so one desk


def cached_settings() -> SiteSettings | None:
    """Return the settings this process has read, which may be behind; None if it has read none yet."""
    return _cached


def settings_at(connection: Connection, version: int) -> SiteSettings:
    """Return the settings as they are at this version of the catalog, or a later one, and hold them."""
    return _cached if _cached is not None and _cached.version == version else read_settings(connection)


def read_settings(connection: Connection) -> SiteSettings:
    """Read the settings and hold them for the next who asks."""
    global _cached  # noqa: PLW0603 - the one value that a process holds
    row = Cursor(connection).execute(_DESK, prepare=True).fetchone()
    assert row, "migrating makes this row"
    _cached = SiteSettings(*row)
    return _cached
