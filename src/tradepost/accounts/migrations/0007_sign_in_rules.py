"""Rules that the models can't express: the log of sign-ins is append-only, and its totals follow it."""

from django.db import migrations

# A crash may forget the counts of attempts. Unlogged, they cost no write to the write-ahead log.
COUNTS = "ALTER TABLE accounts_ratelimitcount SET UNLOGGED"

# Only the sweep of what is too old may delete, and never what is younger than a day. All that may change is the count of
# events that share a row, and it only grows.
APPEND_ONLY = """
CREATE TRIGGER refuse_change BEFORE DELETE ON accounts_signinevent
    FOR EACH ROW WHEN (
        current_setting('tradepost.sweep', true) IS DISTINCT FROM 'sign_ins' OR OLD.at > now() - interval '23 hours'
    ) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON accounts_signinevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_update BEFORE UPDATE ON accounts_signinevent
    FOR EACH ROW WHEN (
        OLD.minute IS NULL OR NEW.count <= OLD.count OR
        (OLD.id, OLD.at, OLD.kind, OLD.account_id, OLD.login, OLD.method, OLD.detail, OLD.address, OLD.network,
         OLD.browser, OLD.minute)
        IS DISTINCT FROM
        (NEW.id, NEW.at, NEW.kind, NEW.account_id, NEW.login, NEW.method, NEW.detail, NEW.address, NEW.network,
         NEW.browser, NEW.minute)
    ) EXECUTE FUNCTION refuse_change();
"""

TOTALS = """
CREATE FUNCTION count_sign_in_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    more bigint := NEW.count - CASE WHEN TG_OP = 'UPDATE' THEN OLD.count ELSE 0 END;
BEGIN
    INSERT INTO accounts_signintotal AS kept (kind, count) VALUES (NEW.kind, more)
    ON CONFLICT (kind) DO UPDATE SET count = kept.count + more;
    RETURN NULL;
END $$;
CREATE TRIGGER count_sign_in_event AFTER INSERT OR UPDATE ON accounts_signinevent
    FOR EACH ROW EXECUTE FUNCTION count_sign_in_event();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_sign_in_log")]
    operations = [migrations.RunSQL(COUNTS), migrations.RunSQL(APPEND_ONLY), migrations.RunSQL(TOTALS)]
