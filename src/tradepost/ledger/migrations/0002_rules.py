"""Rules that the models can't express: the house's accounts, an account for every customer, and append-only tables."""

from django.db import migrations

# Ids below 1000 belong to the house (the engine's `SystemAccount`); customers' ids begin at 1000. One account of the
# house is the other side of all play money.
HOUSE = """
ALTER TABLE ledger_account ALTER COLUMN id RESTART WITH 1000;
INSERT INTO ledger_account (id, name, is_play) VALUES
    (1, 'Sales', false),
    (2, 'Top-ups', false),
    (3, 'Adjustments', false),
    (4, 'Play money', true);
"""

# Every account gets its ledger account when it is created, however that happens.
CUSTOMERS = """
CREATE FUNCTION open_ledger_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_account (account_id, name, balance, is_play) VALUES (NEW.id, '', 0, NEW.test_of_id IS NOT NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER open_ledger_account AFTER INSERT ON accounts_account
    FOR EACH ROW EXECUTE FUNCTION open_ledger_account();
"""

# Transfers point to ledger accounts without foreign keys (decision 0005).
NEVER_DELETED = """
CREATE TRIGGER refuse_change BEFORE DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

APPEND_ONLY = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# The request of a payment by hand never changes. A payment that is done or rejected does not change at all.
PAYMENTS = """
CREATE TRIGGER refuse_change BEFORE DELETE ON ledger_manualpayment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger_manualpayment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_update BEFORE UPDATE ON ledger_manualpayment
    FOR EACH ROW WHEN (
        OLD.state <> 'requested'
        OR (OLD.id, OLD.form_token, OLD.account_id, OLD.kind, OLD.amount, OLD.reference, OLD.reason, OLD.corrects_id,
            OLD.needs_approval, OLD.requested_by_id, OLD.requested_at)
        IS DISTINCT FROM
           (NEW.id, NEW.form_token, NEW.account_id, NEW.kind, NEW.amount, NEW.reference, NEW.reason, NEW.corrects_id,
            NEW.needs_approval, NEW.requested_by_id, NEW.requested_at)
    ) EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("accounts", "0002_rules")]
    operations = [
        migrations.RunSQL(HOUSE),
        migrations.RunSQL(CUSTOMERS),
        migrations.RunSQL(NEVER_DELETED),
        migrations.RunSQL(APPEND_ONLY),
        migrations.RunSQL(PAYMENTS),
    ]
