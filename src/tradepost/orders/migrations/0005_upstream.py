import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_parts"),
        ("providers", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="cancelrequest",
            name="asked_at",
            field=models.DateTimeField(help_text="When its provider was last asked to cancel.", null=True),
        ),
        migrations.AddField(
            model_name="cancelrequest",
            name="is_passed_on",
            field=models.BooleanField(db_default=False, help_text="Its provider has accepted it."),
        ),
        migrations.AddField(
            model_name="refill",
            name="asked_at",
            field=models.DateTimeField(help_text="When its provider was last asked about it.", null=True),
        ),
        migrations.AddField(
            model_name="refill",
            name="upstream_id",
            field=models.CharField(blank=True, db_default="", help_text="What its provider calls it.", max_length=64),
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("account_id", models.BigIntegerField()),
                ("number", models.IntegerField()),
                (
                    "state",
                    models.CharField(
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
                        db_default="sending",
                        max_length=8,
                    ),
                ),
                ("upstream_id", models.CharField(max_length=64, null=True)),
                ("quantity", models.BigIntegerField(null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "cost",
                    models.DecimalField(
                        decimal_places=5,
                        help_text="What it costs there, in our currency, as last told.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                ("asked", models.JSONField(null=True)),
                ("answer", models.TextField(blank=True, db_default="")),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="orders.order",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="providers.provider",
                    ),
                ),
                (
                    "provider_service",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="providers.providerservice",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(fields=("order", "number"), name="attempt_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["sending", "sent", "unsure"])),
                        fields=("order",),
                        name="attempt_one_live",
                    ),
                    models.UniqueConstraint(fields=("provider", "upstream_id"), name="attempt_upstream_id_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UpstreamOrder",
            fields=[
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="upstream",
                        serialize=False,
                        to="orders.order",
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
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
                        db_default="queued",
                        max_length=8,
                    ),
                ),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("tries", models.IntegerField(db_default=0)),
                ("upstream_id", models.CharField(blank=True, db_default="", max_length=64)),
                ("quantity", models.BigIntegerField(help_text="What was ordered there.", null=True)),
                ("multiplier", models.DecimalField(db_default=1, decimal_places=4, max_digits=10)),
                ("sent_at", models.DateTimeField(null=True)),
                (
                    "said",
                    models.CharField(
                        blank=True, db_default="", help_text="What its provider said of it last.", max_length=300
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="providers.provider",
                    ),
                ),
                (
                    "route",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="providers.route",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "queued")), fields=["provider", "order"], name="upstream_queued"
                    ),
                    models.Index(
                        condition=models.Q(("state", "sent")),
                        fields=["provider", "sent_at", "order"],
                        name="upstream_sent",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["sending", "unsure", "refused"])),
                        fields=["provider", "state"],
                        name="upstream_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["queued", "sending", "sent", "unsure", "refused"])),
                        name="upstream_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "sent"), _negated=True),
                            models.Q(("upstream_id", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="upstream_sent_has_id",
                    ),
                ],
            },
        ),
    ]
