"""What the models can't say: orders stay, and what happened to them is never another story."""

from django.db import migrations

# Transfers point to orders without a foreign key (decision 0005).
NEVER_DELETED = """
CREATE TRIGGER refuse_change BEFORE DELETE ON orders_order
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON orders_order
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

APPEND_ONLY = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON orders_orderevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON orders_orderevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("accounts", "0002_rules")]
    operations = [migrations.RunSQL(NEVER_DELETED), migrations.RunSQL(APPEND_ONLY)]
