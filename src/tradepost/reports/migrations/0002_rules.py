"""What the models can't say: totals stand in partitions, are read by indexes of their own, and begin at nothing."""

from django.db import migrations

# A table can't become one of partitions, so the model's is replaced by one. Totals of one kind and span, which are
# read together, stand together, with room for rows to be changed where they are; columns stand by their size.
TOTALS = """
DROP TABLE reports_total;
CREATE TABLE reports_total (
    start timestamptz NOT NULL,
    subject bigint NOT NULL,
    kind smallint NOT NULL,
    span smallint NOT NULL,
    orders bigint NOT NULL DEFAULT 0,
    completed bigint NOT NULL DEFAULT 0,
    partial bigint NOT NULL DEFAULT 0,
    canceled bigint NOT NULL DEFAULT 0,
    refills bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    unsure bigint NOT NULL DEFAULT 0,
    quantity numeric(30, 0) NOT NULL DEFAULT 0,
    charged numeric(30, 5) NOT NULL DEFAULT 0,
    refunded numeric(30, 5) NOT NULL DEFAULT 0,
    cost numeric(30, 5) NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, span, start, subject)
) PARTITION BY LIST (kind);
"""
KINDS = {"desk": 0, "service": 1, "account": 2, "provider": 3, "offer": 4}
SPANS = {"minute": 0, "day": 1, "month": 2, "year": 3}
BY_MINUTE = {"desk", "provider"}

OF_KIND = """
CREATE TABLE reports_total_{kind} PARTITION OF reports_total FOR VALUES IN ({number}) PARTITION BY LIST (span);
"""
OF_SPAN = """
CREATE TABLE reports_total_{kind}_{span} PARTITION OF reports_total_{kind} FOR VALUES IN ({number})
    WITH (fillfactor = 80);
"""

# The accounts that bring most are found without adding up all of them (decision 0052).
HEADS = """
CREATE INDEX reports_total_account_by_charged ON reports_total_account (start, charged DESC);
CREATE INDEX reports_total_account_by_profit ON reports_total_account (start, (charged - refunded - cost) DESC);
"""

# A sum of whole numbers that stays a whole number: a hundred thousand of them are kept in a tenth of the memory.
SUM = "CREATE AGGREGATE reports_bigint_sum (bigint) (SFUNC = int8pl, STYPE = bigint);"

# Nothing is booked yet of the tables that are.
WATERMARKS = """
INSERT INTO reports_watermark ("table") VALUES
    ('orders_order'), ('ledger_transfer'), ('orders_orderevent'), ('orders_refill');
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]
    operations = [
        migrations.RunSQL(TOTALS),
        *(migrations.RunSQL(OF_KIND.format(kind=kind, number=number)) for kind, number in KINDS.items()),
        *(
            migrations.RunSQL(OF_SPAN.format(kind=kind, span=span, number=number))
            for kind in KINDS
            for span, number in SPANS.items()
            if span != "minute" or kind in BY_MINUTE
        ),
        migrations.RunSQL(HEADS),
        migrations.RunSQL(SUM),
        migrations.RunSQL(WATERMARKS),
    ]
