"""Which states an attempt and an order on its way can have. The database needs nothing for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0008_cost_expected"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="state",
            field=models.CharField(
                choices=[("sending", "sending"), ("sent", "sent"), ("unsure", "unsure"), ("refused", "refused")],
                db_default="sending",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="upstreamorder",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "queued"),
                    ("sending", "sending"),
                    ("sent", "sent"),
                    ("unsure", "unsure"),
                    ("refused", "refused"),
                ],
                db_default="queued",
                max_length=8,
            ),
        ),
    ]
