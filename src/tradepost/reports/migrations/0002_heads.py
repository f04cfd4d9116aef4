"""Totals of accounts by what was charged and by profit, so that the first are found without adding up all of them.

While an index is made, some seconds with a year of ten million orders, only the worker that adds up waits.
"""

from django.db import migrations

HEADS = """
CREATE INDEX reports_total_account_by_charged ON reports_total_account (start, charged DESC);
CREATE INDEX reports_total_account_by_profit ON reports_total_account (start, (charged - refunded - cost) DESC);
"""
NO_HEADS = "DROP INDEX reports_total_account_by_charged; DROP INDEX reports_total_account_by_profit;"


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]
    operations = [migrations.RunSQL(HEADS, NO_HEADS)]
