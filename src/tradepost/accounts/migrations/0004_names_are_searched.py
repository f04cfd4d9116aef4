"""An index for the search of accounts by how their names begin. Django's own index does the same for addresses."""

from django.db import migrations

BEGINNINGS_OF_NAMES = "CREATE INDEX account_name_begins ON accounts_account (lower(name) text_pattern_ops)"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_browsers_time_zone")]
    operations = [migrations.RunSQL(BEGINNINGS_OF_NAMES)]
