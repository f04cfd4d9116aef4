"""What staff writes down about accounts, what it did with them, and when it was logged in as whom."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_verified_addresses"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="account",
            options={"ordering": ("id",), "permissions": (("hijack_account", "Can log in as a customer"),)},
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("actor", models.CharField(max_length=80)),
                ("address", models.GenericIPAddressField(null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("suspended", "Suspended"),
                            ("activated", "Activated"),
                            ("credit limit", "Credit limit changed"),
                            ("reset mailed", "Mail to set a new password sent"),
                            ("email confirmed", "E-mail address confirmed"),
                            ("second factor off", "Second factor turned off"),
                            ("sessions ended", "Sessions ended"),
                            ("logged in as", "Logged in as"),
                        ],
                        max_length=20,
                    ),
                ),
                ("was", models.CharField(blank=True, db_default="", max_length=80)),
                ("became", models.CharField(blank=True, db_default="", max_length=80)),
                ("reason", models.CharField(blank=True, db_default="", max_length=500)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "suspended",
                                    "activated",
                                    "credit limit",
                                    "reset mailed",
                                    "email confirmed",
                                    "second factor off",
                                    "sessions ended",
                                    "logged in as",
                                ],
                            )
                        ),
                        name="account_event_kind_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LoginAs",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reason", models.CharField(max_length=500)),
                ("address", models.GenericIPAddressField(null=True)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="logins_as",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "login as a customer",
                "verbose_name_plural": "logins as customers",
                "ordering": ("-id",),
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("account", models.F("staff")), _negated=True), name="login_as_somebody_else"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="login_as_for_a_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("text", models.CharField(max_length=2000)),
                ("is_pinned", models.BooleanField(db_default=False, default=False, verbose_name="pinned")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notes", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("-is_pinned", "-id"),
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("text", ""), _negated=True), name="note_says_something"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_pinned", True)), fields=("account",), name="note_one_pinned"
                    ),
                ],
            },
        ),
    ]
