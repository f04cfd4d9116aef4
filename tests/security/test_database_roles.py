"""The desk's processes connect to the embedded database as a role that can change no table and no trigger."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import asking
from tests.command_line import run
from tests.conftest import Desk, start_desk, stop_desk
from tests.waiting import until
from tradepost.config import environment
from tradepost.up.database_roles import DESK, OWNER
from tradepost.up.postgres import Postgres

OLD_ORDER = {"action": "add", "service": "1", "quantity": "10", "link": "https://pixelpond.example/p/roles"}


def database_of(home: Path) -> Postgres:
    return Postgres(home, environment.postgres_bin())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A demo desk in a home where the superuser owned everything, as older versions left it."""
    home = tmp_path_factory.mktemp("old")
    server = database_of(home)
    server.start()
    with psycopg.connect(server.superuser_url.replace("/tradepost?", "/postgres?"), autocommit=True) as superuser:
        superuser.execute("DROP DATABASE tradepost")
        for role in (OWNER, DESK):
            superuser.execute(f"DROP ROLE {role}")
        superuser.execute("CREATE DATABASE tradepost")
    run("migrate", environ={"DATABASE_URL": server.superuser_url, "TRADEPOST_HOME": str(home)})
    with psycopg.connect(server.superuser_url) as superuser:
        assert owned_by_the_superuser(superuser) > 100
    server.stop()
    until(lambda: not (home / "postgres" / "postmaster.pid").exists(), "the database has stopped")
    running = start_desk("--demo", TRADEPOST_HOME=str(home), DATABASE_URL="")
    yield running
    assert stop_desk(running) == 0


def owned_by_the_superuser(connection: psycopg.Connection) -> int:
    """Count the tables, sequences, indexes, routines and types of the schema that the superuser owns."""
    [[count]] = connection.execute(
        "SELECT (SELECT count(*) FROM pg_class WHERE relowner = 10 AND relnamespace = 'public'::regnamespace)"
        " + (SELECT count(*) FROM pg_proc WHERE proowner = 10 AND pronamespace = 'public'::regnamespace)"
        " + (SELECT count(*) FROM pg_type WHERE typowner = 10 AND typnamespace = 'public'::regnamespace)"
    ).fetchall()
    return int(count)


def as_desk(desk: Desk) -> psycopg.Connection:
    return psycopg.connect(database_of(desk.home).url.replace(OWNER, DESK), autocommit=True)


def call(desk: Desk, **parameters: str) -> Any:
    key = json.loads((desk.home / "demo.json").read_text())["accounts"][0]["key"]
    return asking.post(desk.api_url, data={"key": key, **parameters}).json()


def test_the_superuser_owns_nothing_of_an_older_installation_after_its_next_start(desk: Desk) -> None:
    with psycopg.connect(database_of(desk.home).superuser_url) as superuser:
        assert owned_by_the_superuser(superuser) == 0


def test_servers_pages_and_worker_connect_as_a_role_without_ddl(desk: Desk) -> None:
    order = call(desk, **OLD_ORDER)["order"]
    assert asking.get(f"{desk.url}/account/login/").status_code == 200
    until(
        lambda: call(desk, action="status", order=str(order))["status"] == "Completed", "the worker fulfils the order"
    )
    with psycopg.connect(database_of(desk.home).superuser_url) as superuser:
        roles = superuser.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
    assert roles == [(DESK,)]


def test_the_roles_of_the_desk_are_no_superusers_and_make_no_roles_or_databases(desk: Desk) -> None:
    with as_desk(desk) as connection:
        rights = connection.execute(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles"
            " WHERE rolname = ANY(%s)",
            [[OWNER, DESK]],
        ).fetchall()
    assert rights == [(False,), (False,)]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE audit_entry DISABLE TRIGGER USER",
        "DROP TABLE audit_entry",
        "TRUNCATE ledger_transfer",
        "CREATE TABLE mine (id int)",
        "CREATE OR REPLACE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SET session_replication_role = replica",
        f"SET ROLE {OWNER}",
        "SET ROLE tradepost",
        "ALTER SYSTEM SET fsync = off",
    ],
)
def test_the_role_of_the_desk_may_not(desk: Desk, statement: str) -> None:
    with as_desk(desk) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_a_table_of_a_later_migration_is_the_desks_to_write(desk: Desk) -> None:
    with psycopg.connect(database_of(desk.home).url, autocommit=True) as owner, as_desk(desk) as connection:
        owner.execute("CREATE TABLE later (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text)")
        try:
            connection.execute("INSERT INTO later (name) VALUES ('one')")
            connection.execute("UPDATE later SET name = 'two'")
            assert connection.execute("DELETE FROM later RETURNING name").fetchall() == [("two",)]
        finally:
            owner.execute("DROP TABLE later")


def test_a_command_beside_a_running_desk_changes_what_the_desk_may_not(desk: Desk) -> None:
    said = run("migrate", environ={"DATABASE_URL": "", "TRADEPOST_HOME": str(desk.home)})
    assert "rror" not in said
    assert isinstance(call(desk, action="balance")["balance"], str)
