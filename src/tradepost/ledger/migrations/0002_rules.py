"""What models can't say: transfers are append-only, the house has its accounts, every customer gets one."""

from django.db import migrations

# Orders and transfers have no foreign keys, which cost a third of the hot path (decision 0005). What they point to can
# therefore never be deleted; `tradepost check` proves that everything they point to is there.
NEVER_DELETED = ("accounts_account", "accounts_key", "catalog_service", "ledger_account", "orders_order")
APPEND_ONLY = ("ledger_transfer", "orders_orderevent")

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is never allowed', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
GUARDS = "".join(
    f"CREATE TRIGGER refuse_change BEFORE {changes} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change();"
    f"CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();"
    for tables, changes in ((NEVER_DELETED, "DELETE"), (APPEND_ONLY, "UPDATE OR DELETE"))
    for table in tables
)
UNGUARD = "".join(
    f"DROP TRIGGER refuse_change ON {table}; DROP TRIGGER refuse_truncate ON {table};"
    for table in NEVER_DELETED + APPEND_ONLY
)

# Ids below 1000 are the house's; customers' begin there, and every account gets its own the moment it is made.
ACCOUNTS = """
ALTER TABLE ledger_account ALTER COLUMN id RESTART WITH 1000;
INSERT INTO ledger_account (id, name) VALUES (1, 'Sales'), (2, 'Top-ups'), (3, 'Adjustments');
CREATE FUNCTION open_ledger_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_account (account_id, name, balance) VALUES (NEW.id, '', 0);
    RETURN NULL;
END $$;
CREATE TRIGGER open_ledger_account AFTER INSERT ON accounts_account
    FOR EACH ROW EXECUTE FUNCTION open_ledger_account();
"""
NO_ACCOUNTS = """
DROP TRIGGER open_ledger_account ON accounts_account;
DROP FUNCTION open_ledger_account();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("orders", "0001_initial")]
    operations = [
        migrations.RunSQL(ACCOUNTS, NO_ACCOUNTS),
        migrations.RunSQL(REFUSE, "DROP FUNCTION refuse_change();"),
        migrations.RunSQL(GUARDS, UNGUARD),
    ]
