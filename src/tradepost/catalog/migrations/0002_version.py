"""The version that every change of the catalog counts up (decision 0004)."""

from django.db import migrations

TABLES = ("catalog_category", "catalog_service", "catalog_customrate")

COUNT = """
INSERT INTO catalog_catalogversion (id) VALUES (1);
-- A sequence, because it goes on after a rollback: a number that was seen once never means another catalog.
CREATE SEQUENCE catalog_version_seq START 2;
CREATE FUNCTION count_catalog_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalog_catalogversion SET version = nextval('catalog_version_seq');
    RETURN NULL;
END $$;
""" + "".join(
    f"CREATE TRIGGER count_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION count_catalog_version();"
    for table in TABLES
)
FORGET = (
    "".join(f"DROP TRIGGER count_version ON {table};" for table in TABLES)
    + "DROP FUNCTION count_catalog_version(); DROP SEQUENCE catalog_version_seq; DELETE FROM catalog_catalogversion;"
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunSQL(COUNT, FORGET)]
