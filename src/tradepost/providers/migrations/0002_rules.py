"""What the models can't say: routes, and what a provider charges, count the catalog's version up (decision 0004)."""

from django.db import migrations

ROUTES = """
CREATE TRIGGER bump_catalog_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON providers_route
    FOR EACH STATEMENT EXECUTE FUNCTION bump_catalog_version();
CREATE TRIGGER bump_catalog_version AFTER UPDATE OF is_delisted ON providers_providerservice
    FOR EACH STATEMENT EXECUTE FUNCTION bump_catalog_version();
"""

# What services cost matters only where a price list may not go below it.
COSTS = """
CREATE FUNCTION bump_catalog_version_for_costs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM catalog_pricelist WHERE not_below_cost) THEN
        UPDATE catalog_catalogversion SET version = nextval('catalog_version_seq');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bump_catalog_version_for_costs AFTER UPDATE OF rate ON providers_providerservice
    FOR EACH STATEMENT EXECUTE FUNCTION bump_catalog_version_for_costs();
CREATE TRIGGER bump_catalog_version_for_costs AFTER UPDATE OF exchange_rate ON providers_provider
    FOR EACH STATEMENT EXECUTE FUNCTION bump_catalog_version_for_costs();
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial"), ("catalog", "0002_rules")]
    operations = [migrations.RunSQL(ROUTES), migrations.RunSQL(COSTS)]
