"""Rules that the models can't express: accounts and keys are never deleted, records of staff are append-only, and test
accounts follow their account."""

from django.db import migrations

# Triggers of every app use this function to refuse DELETE, UPDATE or TRUNCATE.
REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is never allowed', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""

# Orders point to accounts and keys without foreign keys, which would cost a third of the hot path (decision 0005). So
# accounts and keys can never be deleted, and `tradepost check` proves that the rows exist.
NEVER_DELETED = """
CREATE TRIGGER refuse_change BEFORE DELETE ON accounts_account
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON accounts_account
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refuse_change BEFORE DELETE ON accounts_key
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON accounts_key
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# Records of what staff did never change. Exceptions: a note's pin, and the end of an impersonation (once).
RECORDS = """
CREATE TRIGGER refuse_change BEFORE DELETE ON accounts_accountevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON accounts_accountevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_update BEFORE UPDATE ON accounts_accountevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refuse_change BEFORE DELETE ON accounts_note
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON accounts_note
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_update BEFORE UPDATE ON accounts_note
    FOR EACH ROW WHEN (
        (OLD.id, OLD.account_id, OLD.text, OLD.author_id, OLD.created_at)
        IS DISTINCT FROM (NEW.id, NEW.account_id, NEW.text, NEW.author_id, NEW.created_at)
    ) EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refuse_change BEFORE DELETE ON accounts_impersonation
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON accounts_impersonation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_update BEFORE UPDATE ON accounts_impersonation
    FOR EACH ROW WHEN (
        OLD.ended_at IS NOT NULL
        OR (OLD.id, OLD.account_id, OLD.staff_id, OLD.reason, OLD.address, OLD.started_at, OLD.expires_at)
        IS DISTINCT FROM
           (NEW.id, NEW.account_id, NEW.staff_id, NEW.reason, NEW.address, NEW.started_at, NEW.expires_at)
    ) EXECUTE FUNCTION refuse_change();
"""

# A test account is suspended when its account is, and has the same duplicate window.
TEST_ACCOUNTS = """
CREATE FUNCTION sync_test_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_account
    SET is_active = NEW.is_active, duplicate_window_seconds = NEW.duplicate_window_seconds
    WHERE test_of_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER sync_test_account AFTER UPDATE OF is_active, duplicate_window_seconds ON accounts_account
    FOR EACH ROW WHEN (NEW.test_of_id IS NULL) EXECUTE FUNCTION sync_test_account();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.RunSQL(REFUSE_CHANGE),
        migrations.RunSQL(NEVER_DELETED),
        migrations.RunSQL(RECORDS),
        migrations.RunSQL(TEST_ACCOUNTS),
    ]
