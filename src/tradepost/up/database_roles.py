"""The roles of the embedded database: none of the desk's processes connects as its superuser (docs/architecture.md).

- `OWNER` owns the database and all in it. Migrations and the commands connect as it.
- `DESK` reads and writes rows, and can change no table or trigger. The servers and the worker connect as it.
"""

import psycopg
from psycopg import sql

OWNER = "tradepost_owner"
DESK = "tradepost_desk"
_LOCK = 7_406_133  # any number, so that a desk and commands which start together make the roles one after the other

_OWNED = f"""
SELECT format('ALTER TABLE %s OWNER TO {OWNER}', oid::regclass)
FROM pg_class c
WHERE relowner = 10 AND relkind IN ('r', 'p', 'v', 'm', 'S') AND relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                    AND (d.deptype = 'e' OR relkind = 'S' AND d.deptype IN ('a', 'i')))
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO {OWNER}', oid::regprocedure)
FROM pg_proc p
WHERE proowner = 10 AND pronamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT format('ALTER TYPE %s OWNER TO {OWNER}', t.oid::regtype)
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE typowner = 10 AND typnamespace = 'public'::regnamespace AND (typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
"""  # 10 is the superuser whom initdb made

_RIGHTS = f"""
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {DESK};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {DESK};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {DESK};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {DESK};
"""


def prepare(server_url: str, database_url: str, database: str) -> None:
    """Make the database and the roles, unless they are there, and give the owner what the superuser still owns.

    Both addresses are the superuser's. An installation from before there were roles is brought over so.
    """
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # until the connection closes
        for role in (OWNER, DESK):
            if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                server.execute(f"CREATE ROLE {role} LOGIN")
        name = sql.Identifier(database)
        found = server.execute(
            "SELECT pg_get_userbyid(datdba) = %s FROM pg_database WHERE datname = %s", [OWNER, database]
        ).fetchone()
        if not found:
            server.execute(sql.SQL("CREATE DATABASE {}").format(name))
        with psycopg.connect(database_url) as connection:
            owned = [statement for (statement,) in connection.execute(_OWNED)]
            for statement in owned:
                connection.execute(statement)
            if owned or found != (True,):
                connection.execute(_RIGHTS)
        if found != (True,):
            server.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, sql.Identifier(OWNER)))
