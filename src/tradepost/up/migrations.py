"""At the start, bring the database's schema up to date, or refuse the database with the reason."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from tradepost.accounts import roles
from tradepost.audit import tables
from tradepost.config import environment
from tradepost.up import key_rotation
from tradepost.up.errors import StartError

POSTGRES_MAJOR_MIN = 15
BEFORE_THE_FIRST_RELEASE = ("catalog", "0002_version")  # every schema then had it, and none has it since (decision 55)
SOCKET_LINE = 4  # of postmaster.pid: the folder of the server's socket, see PostgreSQL's pidfile.h
_LOCK = 7_406_131  # any number that all nodes share, so that nodes which start together migrate one after the other


def apply() -> None:
    """Apply the missing migrations. Raises `StartError` if this version can't work with the database."""
    _check_reachable()
    with _one_at_a_time():
        executor = MigrationExecutor(connection)
        _check_known(executor.loader)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0, interactive=False)
        else:
            # `migrate` does this, too. Without it here, changes that need no migration would wait for the next one.
            roles.sync_groups()
            tables.create_triggers()
        key_rotation.encrypt_what_has_no_number()
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


def _check_known(loader: MigrationLoader) -> None:
    """Raise `StartError` if the schema is too old to be brought up to date, or newer than this version."""
    if BEFORE_THE_FIRST_RELEASE in loader.applied_migrations:
        raise StartError(
            "The database was made before Tradepost's first release, and its schema can't be brought up to date. "
            f"To begin again, {_how_to_begin_again()}."
        )
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith("tradepost.")}
    newer = [key for key in loader.applied_migrations if key[0] in ours and key not in loader.disk_migrations]
    if newer:
        raise StartError(
            f"The database was made by a newer Tradepost (it has {'.'.join(max(newer))}). "
            "Install that version, or restore a backup from before."
        )


def _how_to_begin_again() -> str:
    """Return the advice for the embedded database, or for the one of `DATABASE_URL`."""
    embedded = environment.home() / "postgres"
    process = embedded / "postmaster.pid"
    if process.exists() and connection.connection.info.host == process.read_text().splitlines()[SOCKET_LINE]:
        return f"move or remove the folder {embedded} while no Tradepost runs, and start again"
    return "make a new, empty database and name it in DATABASE_URL"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
