"""The tables with an audit trigger, the columns that the triggers leave out, and the creation of the triggers.

A trigger records every change, however it is made: forms, inlines, bulk updates, the engine's SQL, `psql`. Tables that
are logs themselves, or are written for every order (orders, transfers …), have no trigger. Triggers are created after
each migration, so that a new table or column is audited from its first row on.
"""

from typing import Any

import msgspec
from django.db import connection, transaction


class AuditedTable(msgspec.Struct, frozen=True, kw_only=True):
    """An audited table. As JSON, it is the argument of the trigger function `audit_row` (migration 0002_rules).

    - `model`, `id_column`: the object that an entry is about. In a table that only links two objects
      (`is_link_table`), `id_column` is the column of the object that a new or deleted row changes.
    - `label_column`: the column with the object's name; with `label_table`, a column of the row there whose id is in
      `label_id_column`.
    - `owner_model`, `owner_id_column`: another object on whose page the entries are shown, too.
    - `ignored_columns` are not recorded. Of `secret_columns`, entries only say that they changed.
    - `has_busy_columns`: the ignored columns are written all the time. The trigger names the other columns, so that
      those writes cost nothing. A migration that changes the type of such a column must drop the trigger first.
    - `only_updates`: rows are not inserted by staff, or together with a row of another audited table; never deleted.
    """

    table: str
    model: str
    id_column: str = "id"
    label_column: str = "name"
    label_table: str | None = None
    label_id_column: str | None = None
    owner_model: str | None = None
    owner_id_column: str | None = None
    is_link_table: bool = False
    ignored_columns: tuple[str, ...] = ()
    secret_columns: tuple[str, ...] = ()
    has_busy_columns: bool = False
    only_updates: bool = False


AUDITED_TABLES = (
    AuditedTable(
        table="accounts_account",
        model="accounts.account",
        label_column="email",
        ignored_columns=("last_login", "created_at", "language", "timezone", "theme"),
        secret_columns=("password",),
    ),
    *(
        AuditedTable(
            table=table,
            model="accounts.account",
            id_column="account_id",
            label_column="email",
            label_table="accounts_account",
            label_id_column="account_id",
            is_link_table=True,
        )
        for table in ("accounts_account_groups", "accounts_account_user_permissions")
    ),
    AuditedTable(
        table="accounts_key",
        model="accounts.key",
        label_column="prefix",
        owner_model="accounts.account",
        owner_id_column="account_id",
        ignored_columns=("last_used_at", "created_at"),
        secret_columns=("digest",),
        has_busy_columns=True,
    ),
    AuditedTable(
        table="mfa_authenticator",
        model="mfa.authenticator",
        label_column="type",
        owner_model="accounts.account",
        owner_id_column="user_id",
        ignored_columns=("last_used_at", "created_at"),
        secret_columns=("data",),
    ),
    AuditedTable(table="auth_group", model="auth.group"),
    AuditedTable(
        table="auth_group_permissions",
        model="auth.group",
        id_column="group_id",
        label_table="auth_group",
        label_id_column="group_id",
        is_link_table=True,
    ),
    AuditedTable(table="catalog_category", model="catalog.category"),
    AuditedTable(table="catalog_service", model="catalog.service"),
    *(
        AuditedTable(
            table=table,
            model=model,
            label_table="catalog_service",
            label_id_column="service_id",
            owner_model="catalog.service",
            owner_id_column="service_id",
        )
        for table, model in (("catalog_customrate", "catalog.customrate"), ("providers_route", "providers.route"))
    ),
    AuditedTable(
        table="providers_provider",
        model="providers.provider",
        ignored_columns=(
            "balance", "balance_at", "retry_at", "last_error", "synced_at", "sync_error", "requests", "failures",
            "request_milliseconds", "pause_meaning", "funds_limit", "funds_retry_at", "single_id_actions",
            "balance_error",
        ),
        secret_columns=("encrypted_key",),
        has_busy_columns=True,
    ),
    AuditedTable(
        table="providers_refusaltext",
        model="providers.refusaltext",
        label_column="text",
        owner_model="providers.provider",
        owner_id_column="provider_id",
        ignored_columns=("provider_id", "key", "text", "count", "first_at", "last_at"),
        has_busy_columns=True,
        only_updates=True,
    ),
    AuditedTable(
        table="ledger_account",
        model="ledger.ledgeraccount",
        label_column="email",
        label_table="accounts_account",
        label_id_column="account_id",
        owner_model="accounts.account",
        owner_id_column="account_id",
        ignored_columns=("account_id", "name", "balance", "is_play"),
        has_busy_columns=True,
        only_updates=True,
    ),
    AuditedTable(table="catalog_pricelist", model="catalog.pricelist"),
    *(
        AuditedTable(
            table=f"catalog_pricelist{part}",
            model="catalog.pricelist",
            id_column="price_list_id",
            label_table="catalog_pricelist",
            label_id_column="price_list_id",
            is_link_table=True,
        )
        for part in ("discount", "rate", "member")
    ),
    AuditedTable(
        table="ledger_paymentlimit",
        model="ledger.paymentlimit",
        label_table="auth_group",
        label_id_column="group_id",
    ),
    AuditedTable(table="site_settings", model="site_settings.sitesettings", label_column="panel_name"),
)  # fmt: skip

_EXISTING_TRIGGERS = """
SELECT c.relname, obj_description(t.oid, 'pg_trigger')
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgname = 'write_audit_entry'
"""
_COLUMNS = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)
FROM information_schema.columns
WHERE table_schema = current_schema AND table_name = ANY(%s) GROUP BY table_name
"""

# PostgreSQL fires a table's triggers in the order of their names. So this one comes last, and the changes that the
# other triggers make in other tables get their entries first.
_TRIGGER = (
    "CREATE OR REPLACE TRIGGER write_audit_entry AFTER {events} ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION audit_row({argument})"
)


def create_triggers(**_: Any) -> None:
    """Create or update the audit triggers that differ from this list. A receiver of `post_migrate`.

    Each trigger's statement is stored as its comment, to be compared the next time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EXISTING_TRIGGERS)
        existing = dict(cursor.fetchall())
        cursor.execute(_COLUMNS, [[audited.table for audited in AUDITED_TABLES]])
        columns = dict(cursor.fetchall())
        for audited in AUDITED_TABLES:
            statement = _create_statement(audited, columns[audited.table]) if audited.table in columns else None
            if statement and existing.get(audited.table) != statement:
                cursor.execute(statement)
                cursor.execute(f"COMMENT ON TRIGGER write_audit_entry ON {audited.table} IS {_sql_literal(statement)}")


def _create_statement(audited: AuditedTable, columns: list[str]) -> str:
    complete = msgspec.structs.replace(audited, ignored_columns=_unrecorded(audited), has_busy_columns=False)
    argument = _sql_literal(msgspec.json.encode(complete).decode())
    return _TRIGGER.format(events=_events(audited, columns), table=audited.table, argument=argument)


def _sql_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unrecorded(audited: AuditedTable) -> tuple[str, ...]:
    return ("id", audited.id_column, *audited.ignored_columns)


def _events(audited: AuditedTable, columns: list[str]) -> str:
    recorded = [column for column in columns if column not in _unrecorded(audited)]
    update = f"UPDATE OF {', '.join(recorded)}" if audited.has_busy_columns else "UPDATE"
    return update if audited.only_updates else f"INSERT OR DELETE OR {update}"
