"""Which tables the audit log watches, what of them it leaves out, and the triggers that do it.

A trigger sees every way a change comes: forms, inlines, bulk updates, SQL of the engine, `psql`. Orders, transfers and
what else is a log itself, or is written for every order, has none. The triggers are made after migrating, so that a
table or a column that is new is watched from its first row on.
"""

from typing import Any

import msgspec
from django.db import connection, transaction


class AuditedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table, and as whose rows its rows are shown.

    `label` is the column with a row's name, or with that of the row of `label_table` whose id is in `label_id`. Of a
    row that links two others (`is_link`), `id` is the column of whose change it is. `owner` is the model on whose page
    rows stand too, by the column `owner_id`. Columns that are `ignored` are left out; of those that are `secret` it is
    told that they were changed, not from what to what.

    A table that is `busy` is written all the time in its ignored columns: its trigger is bound to the others, and costs
    nothing then. A migration that changes the type of one of these has to drop the trigger first.
    """

    table: str
    model: str
    id: str = "id"
    label: str = "name"
    label_table: str | None = None
    label_id: str | None = None
    owner: str | None = None
    owner_id: str | None = None
    is_link: bool = False
    ignored: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    is_busy: bool = False
    is_made_along: bool = False  # with a row of another table, and never deleted


AUDITED_TABLES = (
    AuditedTable(
        table="accounts_account",
        model="accounts.account",
        label="email",
        ignored=("last_login", "created_at", "language", "timezone", "theme"),
        secret=("password",),
    ),
    *(
        AuditedTable(
            table=table,
            model="accounts.account",
            id="account_id",
            label="email",
            label_table="accounts_account",
            label_id="account_id",
            is_link=True,
        )
        for table in ("accounts_account_groups", "accounts_account_user_permissions")
    ),
    AuditedTable(
        table="accounts_key",
        model="accounts.key",
        label="prefix",
        owner="accounts.account",
        owner_id="account_id",
        ignored=("last_used_at", "created_at"),
        secret=("digest",),
        is_busy=True,
    ),
    AuditedTable(
        table="mfa_authenticator",
        model="mfa.authenticator",
        label="type",
        owner="accounts.account",
        owner_id="user_id",
        ignored=("last_used_at", "created_at"),
        secret=("data",),
    ),
    AuditedTable(table="auth_group", model="auth.group"),
    AuditedTable(
        table="auth_group_permissions",
        model="auth.group",
        id="group_id",
        label_table="auth_group",
        label_id="group_id",
        is_link=True,
    ),
    AuditedTable(table="catalog_category", model="catalog.category"),
    AuditedTable(table="catalog_service", model="catalog.service"),
    *(
        AuditedTable(
            table=table,
            model=model,
            label_table="catalog_service",
            label_id="service_id",
            owner="catalog.service",
            owner_id="service_id",
        )
        for table, model in (("catalog_customrate", "catalog.customrate"), ("providers_route", "providers.route"))
    ),
    AuditedTable(
        table="providers_provider",
        model="providers.provider",
        ignored=(
            "balance", "balance_at", "retry_at", "last_error", "synced_at", "sync_error", "requests", "failures",
            "request_milliseconds",
        ),
        secret=("encrypted_key",),
        is_busy=True,
    ),
    AuditedTable(
        table="ledger_account",
        model="ledger.ledgeraccount",
        label="email",
        label_table="accounts_account",
        label_id="account_id",
        owner="accounts.account",
        owner_id="account_id",
        ignored=("account_id", "name", "balance", "is_play"),
        is_busy=True,
        is_made_along=True,
    ),
    AuditedTable(table="catalog_pricelist", model="catalog.pricelist"),
    *(
        AuditedTable(
            table=f"catalog_pricelist{of}",
            model="catalog.pricelist",
            id="price_list_id",
            label_table="catalog_pricelist",
            label_id="price_list_id",
            is_link=True,
        )
        for of in ("discount", "rate", "member")
    ),
    AuditedTable(
        table="ledger_paymentlimit",
        model="ledger.paymentlimit",
        label_table="auth_group",
        label_id="group_id",
    ),
    AuditedTable(table="site_settings", model="site_settings.sitesettings", label="panel_name"),
)  # fmt: skip

_MADE = """
SELECT c.relname, obj_description(t.oid, 'pg_trigger')
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'write_audit_entry'
"""
_COLUMNS = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
FROM information_schema.columns
WHERE table_schema = current_schema AND table_name = ANY(%s) GROUP BY table_name
"""

# Triggers of a table fire in the order of their names: what others change along with a row is written down before it.
_TRIGGER = (
    "CREATE OR REPLACE TRIGGER write_audit_entry AFTER {events} ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION audit_row({told})"
)


def create_triggers(**_: Any) -> None:
    """Create or update the audit triggers that differ from this list; a receiver of `post_migrate`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MADE)
        made = dict(cursor.fetchall())
        cursor.execute(_COLUMNS, [[watched.table for watched in AUDITED_TABLES]])
        columns = dict(cursor.fetchall())
        for watched in AUDITED_TABLES:
            wanted = _definition(watched, columns[watched.table]) if watched.table in columns else None
            if wanted and made.get(watched.table) != wanted:
                cursor.execute(wanted)
                cursor.execute(f"COMMENT ON TRIGGER write_audit_entry ON {watched.table} IS {_quoted(wanted)}")


def _definition(watched: AuditedTable, columns: list[str]) -> str:
    told = msgspec.json.encode(msgspec.structs.replace(watched, ignored=_ignored(watched), is_busy=False)).decode()
    return _TRIGGER.format(events=_events(watched, columns), table=watched.table, told=_quoted(told))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _ignored(watched: AuditedTable) -> tuple[str, ...]:
    return ("id", watched.id, *watched.ignored)


def _events(watched: AuditedTable, columns: list[str]) -> str:
    loud = [column for column in columns if column not in _ignored(watched)]
    update = f"UPDATE OF {', '.join(loud)}" if watched.is_busy else "UPDATE"
    return update if watched.is_made_along else f"INSERT OR DELETE OR {update}"
