"""What the model can't say: a change reaches every process, and the books keep their currency."""

from django.db import migrations

RULES = """
CREATE TRIGGER count_version AFTER UPDATE OF currency, requests_a_minute ON live_settings
    FOR EACH STATEMENT EXECUTE FUNCTION count_catalog_version();
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
CREATE TRIGGER refuse_change BEFORE DELETE ON live_settings FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
NO_RULES = """
DROP TRIGGER refuse_change ON live_settings;
DROP TRIGGER keep_currency ON live_settings;
DROP FUNCTION keep_currency();
DROP TRIGGER count_version ON live_settings;
"""


class Migration(migrations.Migration):
    dependencies = [("live", "0001_initial"), ("catalog", "0002_version"), ("ledger", "0002_rules")]
    operations = [migrations.RunSQL(RULES, NO_RULES)]
