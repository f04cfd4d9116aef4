"""The schema at the start: brought up to date, or refused with the reason."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from tradepost.accounts import roles
from tradepost.audit import tables
from tradepost.up.errors import StartError

POSTGRES_MAJOR_MIN = 15
OUR_APPS = frozenset({"accounts", "catalog", "ledger", "live", "orders", "reports", "staff"})
_LOCK = 7_406_131  # any number, the same for all: nodes that start together migrate one after the other


def apply() -> None:
    """Apply the migrations that are missing. Raises `Unable` for a database this version can't work on."""
    _check_reachable()
    with _one_at_a_time():
        executor = MigrationExecutor(connection)
        newer = _unknown(executor.loader)
        if newer:
            raise StartError(
                f"The database was made by a newer Tradepost (it has {'.'.join(max(newer))}). "
                "Install that version, or restore a backup from before."
            )
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)
        else:
            roles.sync_groups()  # or what changed without a migration would wait for the next one
            tables.create_triggers()
    connection.close()


def _check_reachable() -> None:
    try:
        connection.ensure_connection()
    except (OperationalError, DatabaseError) as error:
        reason = str(error).strip().replace("\n", " ")
        raise StartError(f"The database of DATABASE_URL can't be reached: {reason}") from None
    major = connection.connection.info.server_version // 10_000
    if major < POSTGRES_MAJOR_MIN:
        raise StartError(f"The database is PostgreSQL {major}; Tradepost needs {POSTGRES_MAJOR_MIN} or newer.")


def _unknown(loader: MigrationLoader) -> list[tuple[str, str]]:
    """Return what is applied to our tables that this version does not know."""
    return [key for key in loader.applied_migrations if key[0] in OUR_APPS and key not in loader.disk_migrations]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
