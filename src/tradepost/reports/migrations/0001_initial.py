from django.db import migrations, models

WATERMARKS = """
INSERT INTO reports_watermark ("table") VALUES
('orders_order'), ('ledger_transfer'), ('orders_orderevent'), ('orders_refill');
"""


# What is read together stands together: the totals of one kind and span are a table of their own, with room for rows to
# be changed where they are.
KINDS = {"desk": 0, "service": 1, "account": 2, "provider": 3, "offer": 4}
SPANS = {"minute": 0, "day": 1, "month": 2, "year": 3}
TOTALS = """
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
    quantity numeric(30,0) NOT NULL DEFAULT 0,
    charged numeric(30,5) NOT NULL DEFAULT 0,
    refunded numeric(30,5) NOT NULL DEFAULT 0,
    cost numeric(30,5) NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, span, start, subject)
) PARTITION BY LIST (kind);
""" + "".join(
    f"CREATE TABLE reports_total_{kind} PARTITION OF reports_total FOR VALUES IN ({KINDS[kind]}) PARTITION BY LIST (span);"
    + "".join(
        f"CREATE TABLE reports_total_{kind}_{span} PARTITION OF reports_total_{kind} FOR VALUES IN ({SPANS[span]})"
        " WITH (fillfactor = 80);"
        for span in SPANS
        if span != "minute" or kind in {"desk", "provider"}
    )
    for kind in KINDS
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("orders", "0008_cost_expected"),
        ("ledger", "0003_play_money"),
    ]

    operations = [
        migrations.CreateModel(
            name="Duration",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "kind",
                        "subject",
                        "day",
                        "timed",
                        "bucket",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.SmallIntegerField(
                        choices=[(0, "desk"), (1, "service"), (2, "account"), (3, "provider"), (4, "offer")]
                    ),
                ),
                ("subject", models.BigIntegerField()),
                ("day", models.DateField()),
                ("timed", models.SmallIntegerField(choices=[(0, "start"), (1, "completion")])),
                ("bucket", models.SmallIntegerField()),
                ("orders", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TOTALS, "DROP TABLE reports_total;")],
            state_operations=[
                migrations.CreateModel(
                    name="Total",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "kind",
                                "span",
                                "start",
                                "subject",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "kind",
                            models.SmallIntegerField(
                                choices=[(0, "desk"), (1, "service"), (2, "account"), (3, "provider"), (4, "offer")]
                            ),
                        ),
                        (
                            "span",
                            models.SmallIntegerField(choices=[(0, "minute"), (1, "day"), (2, "month"), (3, "year")]),
                        ),
                        ("start", models.DateTimeField()),
                        ("subject", models.BigIntegerField()),
                        ("orders", models.BigIntegerField(db_default=0)),
                        ("quantity", models.DecimalField(db_default=0, decimal_places=0, max_digits=30)),
                        ("charged", models.DecimalField(db_default=0, decimal_places=5, max_digits=30)),
                        ("refunded", models.DecimalField(db_default=0, decimal_places=5, max_digits=30)),
                        ("cost", models.DecimalField(db_default=0, decimal_places=5, max_digits=30)),
                        ("completed", models.BigIntegerField(db_default=0)),
                        ("partial", models.BigIntegerField(db_default=0)),
                        ("canceled", models.BigIntegerField(db_default=0)),
                        ("refills", models.BigIntegerField(db_default=0)),
                        ("refused", models.BigIntegerField(db_default=0)),
                        ("unsure", models.BigIntegerField(db_default=0)),
                    ],
                    options={
                        "permissions": (
                            ("view_sales", "Can view sales: orders, revenue and refunds"),
                            ("view_profit", "Can view cost and profit"),
                            ("view_quality", "Can view the quality of providers"),
                        ),
                        "default_permissions": (),
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="Watermark",
            fields=[
                ("table", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("position", models.BigIntegerField(db_default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.RunSQL(WATERMARKS, "DELETE FROM reports_watermark;"),
    ]
