"""Rules that the models can't express: every change increases the catalog's version, and changes are news."""

from django.db import migrations

# Nodes keep the catalog in memory. A new number tells them that the catalog has changed (decision 0004).
VERSION = """
INSERT INTO catalog_catalogversion (id) VALUES (1);
-- A sequence, because it goes on after a rollback: a number that was seen once never means another catalog.
CREATE SEQUENCE catalog_version_seq START 2;
CREATE FUNCTION bump_catalog_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog_catalogversion SET version = nextval('catalog_version_seq');
    RETURN NULL;
END $$;
"""
RATES_DEPEND_ON = (
    "catalog_category",
    "catalog_service",
    "catalog_customrate",
    "catalog_pricelist",
    "catalog_pricelistdiscount",
    "catalog_pricelistrate",
    "catalog_pricelistmember",
)
BUMP_VERSION = """
CREATE TRIGGER bump_catalog_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION bump_catalog_version();
"""

# Record news for customers, however a change is made. Changes of a service that isn't on sale are no news.
CHANGES = """
CREATE FUNCTION record_service_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO catalog_servicechange (service_id, kind, rate) VALUES (NEW.id, 'new', NEW.rate);
    ELSIF NEW.is_active <> OLD.is_active THEN
        INSERT INTO catalog_servicechange (service_id, kind, rate_before, rate)
        VALUES (NEW.id, CASE WHEN NEW.is_active THEN 'on sale' ELSE 'off sale' END, OLD.rate, NEW.rate);
    ELSE
        INSERT INTO catalog_servicechange (service_id, kind, rate_before, rate)
        VALUES (NEW.id, 'rate', OLD.rate, NEW.rate);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER record_new_service AFTER INSERT ON catalog_service
    FOR EACH ROW WHEN (NEW.is_active) EXECUTE FUNCTION record_service_change();
CREATE TRIGGER record_service_change AFTER UPDATE OF rate, is_active ON catalog_service
    FOR EACH ROW WHEN (NEW.is_active <> OLD.is_active OR NEW.is_active AND NEW.rate <> OLD.rate)
    EXECUTE FUNCTION record_service_change();
"""

# Orders point to services without a foreign key (decision 0005).
NEVER_DELETED = """
CREATE TRIGGER refuse_change BEFORE DELETE ON catalog_service
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON catalog_service
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial"), ("accounts", "0002_rules")]
    operations = [
        migrations.RunSQL(VERSION),
        *(migrations.RunSQL(BUMP_VERSION.format(table=table)) for table in RATES_DEPEND_ON),
        migrations.RunSQL(CHANGES),
        migrations.RunSQL(NEVER_DELETED),
    ]
