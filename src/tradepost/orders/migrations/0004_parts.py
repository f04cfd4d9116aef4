"""Orders made of parts: drip-feeds and subscriptions. Simulated orders say so themselves."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

SIMULATED = """
UPDATE orders_order o SET dispatch = 'simulated'
FROM catalog_service s
WHERE s.id = o.service_id AND s.fulfilment = 'simulated' AND o.dispatch = 'none'
  AND o.status IN ('Pending', 'Processing', 'In progress');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_test_accounts"),
        ("catalog", "0003_refills"),
        ("orders", "0003_retries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DripFeed",
            fields=[
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="dripfeed",
                        serialize=False,
                        to="orders.order",
                    ),
                ),
                ("interval_minutes", models.IntegerField()),
                (
                    "due_at",
                    models.DateTimeField(help_text="Nothing once every run is made, or it was stopped.", null=True),
                ),
            ],
            options={
                "verbose_name": "drip-feed",
            },
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_status_known",
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_dispatch_known",
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_mode_known",
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_one_active_per_link",
        ),
        migrations.RemoveIndex(
            model_name="order",
            name="order_active",
        ),
        migrations.AddField(
            model_name="order",
            name="parent",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="The drip-feed or subscription it is a part of.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="made",
                to="orders.order",
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="part",
            field=models.IntegerField(help_text="Which part of it, from 1.", null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="parts",
            field=models.IntegerField(help_text="How many runs or posts it is made of, if it is.", null=True),
        ),
        migrations.AlterField(
            model_name="order",
            name="dispatch",
            field=models.CharField(
                choices=[
                    ("none", "none"),
                    ("simulated", "simulated"),
                    ("runs", "runs"),
                    ("queued", "queued"),
                    ("sending", "sending"),
                    ("sent", "sent"),
                    ("unsure", "unsure"),
                    ("refused", "refused"),
                ],
                db_default="none",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="mode",
            field=models.CharField(
                choices=[("api", "api"), ("web", "web"), ("drip", "drip"), ("post", "post")], max_length=8
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="status",
            field=models.CharField(
                choices=[
                    ("Pending", "Pending"),
                    ("Processing", "Processing"),
                    ("In progress", "In progress"),
                    ("Completed", "Completed"),
                    ("Partial", "Partial"),
                    ("Canceled", "Canceled"),
                    ("Active", "Active"),
                    ("Paused", "Paused"),
                    ("Expired", "Expired"),
                ],
                db_default="Pending",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="orderevent",
            name="from_dispatch",
            field=models.CharField(max_length=12),
        ),
        migrations.AlterField(
            model_name="orderevent",
            name="to_dispatch",
            field=models.CharField(max_length=12),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("status__in", ["Pending", "Processing", "In progress", "Active", "Paused"])),
                fields=["dispatch", "id"],
                name="order_active",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "Pending",
                            "Processing",
                            "In progress",
                            "Completed",
                            "Partial",
                            "Canceled",
                            "Active",
                            "Paused",
                            "Expired",
                        ],
                    )
                ),
                name="order_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("dispatch__in", ["none", "simulated", "runs", "queued", "sending", "sent", "unsure", "refused"])
                ),
                name="order_dispatch_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["api", "web", "drip", "post"])), name="order_mode_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("parent__isnull", True), ("part__isnull", True)),
                    models.Q(("parent__isnull", False), ("part__gte", 1), ("parts__isnull", True)),
                    _connector="OR",
                ),
                name="order_part_of_parent",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("parts__isnull", True), ("parts__gte", 1), _connector="OR"),
                name="order_parts_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(
                condition=models.Q(("parent__isnull", False)), fields=("parent", "part"), name="order_part_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(
                models.F("account"),
                models.F("service"),
                django.db.models.functions.text.MD5("link"),
                condition=models.Q(
                    ("one_per_link", True), ("status__in", ["Pending", "Processing", "In progress", "Active", "Paused"])
                ),
                name="order_one_active_per_link",
            ),
        ),
        migrations.AddIndex(
            model_name="dripfeed",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="dripfeed_due"),
        ),
        migrations.AddConstraint(
            model_name="dripfeed",
            constraint=models.CheckConstraint(
                condition=models.Q(("interval_minutes__gte", 1)), name="dripfeed_interval_positive"
            ),
        ),
        migrations.RunSQL(SIMULATED, "UPDATE orders_order SET dispatch = 'none' WHERE dispatch = 'simulated';"),
    ]
