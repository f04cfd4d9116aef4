"""The log of sign-ins, what its limits count, and mails that wait for the worker."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_words"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutgoingMail",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("recipient", models.CharField(max_length=254)),
                ("sender", models.CharField(max_length=320)),
                ("subject", models.CharField(max_length=998)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
                ("tries", models.PositiveSmallIntegerField(db_default=0, default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RateLimitCount",
            fields=[
                ("key", models.CharField(max_length=250, primary_key=True, serialize=False)),
                ("value", models.JSONField()),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SignInTotal",
            fields=[
                ("kind", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("count", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SignInEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("signed in", "Signed in"),
                            ("failed", "Sign-in failed"),
                            ("throttled", "Too many tries"),
                            ("factor added", "Second factor added"),
                            ("factor removed", "Second factor removed"),
                            ("codes renewed", "Recovery codes renewed"),
                            ("reset asked", "Password reset asked for"),
                            ("reset done", "Password reset"),
                            ("password changed", "Password changed"),
                            ("address changed", "Address changed"),
                            ("sessions ended", "Sessions ended"),
                            ("key refused", "API key refused"),
                            ("right refused", "Right refused"),
                        ],
                        max_length=20,
                    ),
                ),
                ("login", models.CharField(blank=True, db_default="", default="", max_length=16)),
                ("method", models.CharField(blank=True, db_default="", default="", max_length=60)),
                ("detail", models.CharField(blank=True, db_default="", default="", max_length=120)),
                ("address", models.GenericIPAddressField(null=True)),
                ("network", models.CharField(blank=True, db_default="", default="", max_length=45)),
                ("browser", models.CharField(blank=True, db_default="", default="", max_length=200)),
                ("minute", models.DateTimeField(null=True)),
                ("count", models.PositiveIntegerField(db_default=1, default=1)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sign_ins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in event",
                "ordering": ("-id",),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["account", "id"], name="sign_in_event_of_account"),
                    models.Index(fields=["address", "id"], name="sign_in_event_of_address"),
                    models.Index(fields=["at"], name="sign_in_event_at"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "signed in",
                                    "failed",
                                    "throttled",
                                    "factor added",
                                    "factor removed",
                                    "codes renewed",
                                    "reset asked",
                                    "reset done",
                                    "password changed",
                                    "address changed",
                                    "sessions ended",
                                    "key refused",
                                    "right refused",
                                ],
                            )
                        ),
                        name="sign_in_event_kind_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("count__gte", 1)), name="sign_in_event_counts"),
                    models.UniqueConstraint(
                        condition=models.Q(("minute__isnull", False)),
                        fields=("minute", "kind", "account", "login", "method", "network", "detail"),
                        name="sign_in_event_once_a_minute",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
    ]
