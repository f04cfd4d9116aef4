"""Rules that the model can't express: a change reaches every process, the currency stays, and so does the row."""

from django.db import migrations

# Processes keep these two columns in memory, and read them again together with the catalog (decision 0041).
VERSION = """
CREATE TRIGGER bump_catalog_version AFTER UPDATE OF currency, requests_a_minute ON site_settings
    FOR EACH STATEMENT EXECUTE FUNCTION bump_catalog_version();
"""

# Once money has moved, another currency would change the meaning of every amount in the books.
CURRENCY = """
CREATE FUNCTION refuse_currency_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_transfer) THEN
        RAISE EXCEPTION 'The currency stays: the books have amounts in %.', OLD.currency
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_currency_change BEFORE UPDATE OF currency ON site_settings
    FOR EACH ROW WHEN (NEW.currency <> OLD.currency) EXECUTE FUNCTION refuse_currency_change();
"""

NEVER_DELETED = """
CREATE TRIGGER refuse_change BEFORE DELETE ON site_settings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("site_settings", "0001_initial"),
        ("accounts", "0002_rules"),
        ("catalog", "0002_rules"),
        ("ledger", "0001_initial"),
    ]
    operations = [migrations.RunSQL(VERSION), migrations.RunSQL(CURRENCY), migrations.RunSQL(NEVER_DELETED)]
