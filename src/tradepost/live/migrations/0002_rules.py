"""What the model can't say: a change reaches every process, the books keep their currency, and the row stays."""

from django.db import migrations

# What processes keep in memory of it, they read again along with the catalog (decision 0041).
VERSION = """
CREATE TRIGGER bump_catalog_version AFTER UPDATE OF currency, requests_a_minute ON live_settings
    FOR EACH STATEMENT EXECUTE FUNCTION bump_catalog_version();
"""

# Once money has moved, another currency would make every amount in the books another amount.
CURRENCY = """
CREATE FUNCTION keep_currency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_transfer) THEN
        RAISE EXCEPTION 'The currency stays: the books have amounts in %.', OLD.currency
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_currency BEFORE UPDATE OF currency ON live_settings
    FOR EACH ROW WHEN (NEW.currency <> OLD.currency) EXECUTE FUNCTION keep_currency();
"""

NEVER_DELETED = """
CREATE TRIGGER refuse_change BEFORE DELETE ON live_settings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("live", "0001_initial"),
        ("accounts", "0002_rules"),
        ("catalog", "0002_rules"),
        ("ledger", "0001_initial"),
    ]
    operations = [migrations.RunSQL(VERSION), migrations.RunSQL(CURRENCY), migrations.RunSQL(NEVER_DELETED)]
