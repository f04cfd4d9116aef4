"""A payment by hand is never another one than was asked for, and what is done or rejected stays so."""

from django.db import migrations

GUARD = """
CREATE TRIGGER refuse_change BEFORE DELETE ON ledger_manualpayment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON ledger_manualpayment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_update BEFORE UPDATE ON ledger_manualpayment FOR EACH ROW WHEN (
    OLD.state <> 'asked'
    OR (OLD.id, OLD.name, OLD.account_id, OLD.kind, OLD.amount, OLD.reference, OLD.reason, OLD.corrects_id,
        OLD.needs_approval, OLD.made_by_id, OLD.made_at)
    IS DISTINCT FROM
       (NEW.id, NEW.name, NEW.account_id, NEW.kind, NEW.amount, NEW.reference, NEW.reason, NEW.corrects_id,
        NEW.needs_approval, NEW.made_by_id, NEW.made_at)
) EXECUTE FUNCTION refuse_change();
"""
UNGUARD = """
DROP TRIGGER refuse_change ON ledger_manualpayment;
DROP TRIGGER refuse_truncate ON ledger_manualpayment;
DROP TRIGGER refuse_update ON ledger_manualpayment;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_manual_payments")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
