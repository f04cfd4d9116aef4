"""What staff has written down stays: a note's pin moves, a login as somebody ends, and nothing else changes."""

from django.db import migrations

GUARD = """
CREATE TRIGGER refuse_change BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_update BEFORE UPDATE ON {table} FOR EACH ROW {when} EXECUTE FUNCTION refuse_change();
"""
UNGUARD = """
DROP TRIGGER refuse_change ON {table};
DROP TRIGGER refuse_truncate ON {table};
DROP TRIGGER refuse_update ON {table};
"""
TABLES = {
    "accounts_event": "",
    "accounts_note": """WHEN (
        (OLD.id, OLD.account_id, OLD.text, OLD.author_id, OLD.created_at)
        IS DISTINCT FROM (NEW.id, NEW.account_id, NEW.text, NEW.author_id, NEW.created_at)
    )""",
    "accounts_loginas": """WHEN (
        OLD.ended_at IS NOT NULL
        OR (OLD.id, OLD.account_id, OLD.staff_id, OLD.reason, OLD.address, OLD.started_at, OLD.until)
        IS DISTINCT FROM (NEW.id, NEW.account_id, NEW.staff_id, NEW.reason, NEW.address, NEW.started_at, NEW.until)
    )""",
}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_staff_records"), ("ledger", "0002_rules")]
    operations = [
        migrations.RunSQL(GUARD.format(table=table, when=when), UNGUARD.format(table=table))
        for table, when in TABLES.items()
    ]
