"""What services cost counts the catalog's version up where a price list may not go below it."""

from django.db import migrations

COUNT = """
CREATE FUNCTION count_catalog_version_of_costs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM catalog_pricelist WHERE not_below_cost) THEN
        UPDATE catalog_catalogversion SET version = nextval('catalog_version_seq');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_version_of_costs AFTER UPDATE OF rate ON providers_providerservice
    FOR EACH STATEMENT EXECUTE FUNCTION count_catalog_version_of_costs();
CREATE TRIGGER count_version_of_costs AFTER UPDATE OF exchange_rate ON providers_provider
    FOR EACH STATEMENT EXECUTE FUNCTION count_catalog_version_of_costs();
"""
FORGET = """
DROP TRIGGER count_version_of_costs ON providers_providerservice;
DROP TRIGGER count_version_of_costs ON providers_provider;
DROP FUNCTION count_catalog_version_of_costs();
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial"), ("catalog", "0007_price_lists")]
    operations = [migrations.RunSQL(COUNT, FORGET)]
