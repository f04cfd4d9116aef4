"""Payments by hand, the limits of those who make them, and indexes over what is no order's."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("ledger", "0003_play_money"),
        ("orders", "0006_mass_orders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ManualPayment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        help_text="Made with the form, so that it pays once.",
                        unique=True,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("top-up", "top-up"), ("correction", "correction"), ("bonus", "bonus")], max_length=12
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=5, max_digits=20)),
                ("reference", models.CharField(blank=True, db_default="", max_length=120)),
                ("reason", models.CharField(max_length=500)),
                (
                    "state",
                    models.CharField(
                        choices=[("asked", "asked"), ("done", "done"), ("rejected", "rejected")],
                        db_default="asked",
                        max_length=8,
                    ),
                ),
                ("needs_approval", models.BooleanField()),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision", models.CharField(blank=True, db_default="", max_length=500)),
            ],
            options={
                "verbose_name": "payment by hand",
                "verbose_name_plural": "payments by hand",
                "ordering": ("-id",),
                "permissions": (
                    ("add_topup", "Can top accounts up by hand"),
                    ("add_correction", "Can correct balances and give bonuses by hand"),
                    ("approve_payment", "Can approve payments that somebody else asked for"),
                ),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="PaymentLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "per_payment",
                    models.DecimalField(
                        decimal_places=5,
                        help_text="The most that one payment may be.",
                        max_digits=20,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "per_day",
                    models.DecimalField(
                        decimal_places=5,
                        help_text="The most that one person may pay in a day (UTC), whatever goes up or down.",
                        max_digits=20,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "alone_up_to",
                    models.DecimalField(
                        decimal_places=5,
                        help_text="Payments above this wait until a second person approves them.",
                        max_digits=20,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
            ],
            options={
                "ordering": ("group__name",),
            },
        ),
        migrations.AlterModelOptions(
            name="ledgeraccount",
            options={
                "permissions": (("change_creditlimit", "Can change how far an account may go below zero"),),
                "verbose_name": "ledger account",
            },
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("kind__in", ["top-up", "adjustment"])),
                fields=["credit", "id"],
                include=("amount",),
                name="transfer_paid_in",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("kind__in", ["top-up", "adjustment"])),
                fields=["debit", "id"],
                include=("amount",),
                name="transfer_paid_out",
            ),
        ),
        migrations.AddField(
            model_name="manualpayment",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="manual_payments", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="manualpayment",
            name="corrects",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="corrections",
                to="ledger.manualpayment",
            ),
        ),
        migrations.AddField(
            model_name="manualpayment",
            name="decided_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="manualpayment",
            name="made_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="manualpayment",
            name="transfer",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="manual_payment",
                to="ledger.transfer",
            ),
        ),
        migrations.AddField(
            model_name="paymentlimit",
            name="group",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="payment_limit",
                to="auth.group",
                verbose_name="role",
            ),
        ),
        migrations.AddIndex(
            model_name="manualpayment",
            index=models.Index(fields=["made_by", "made_at"], name="payment_of_maker"),
        ),
        migrations.AddIndex(
            model_name="manualpayment",
            index=models.Index(condition=models.Q(("state", "asked")), fields=["id"], name="payment_waiting"),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["top-up", "correction", "bonus"])), name="payment_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["asked", "done", "rejected"])), name="payment_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="payment_moves_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), ("kind", "correction"), _connector="OR"),
                name="payment_only_corrections_take",
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="payment_for_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "done"), ("transfer__isnull", False)),
                    models.Q(models.Q(("state", "done"), _negated=True), ("transfer__isnull", True)),
                    _connector="OR",
                ),
                name="payment_done_has_transfer",
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by__isnull", True),
                    models.Q(("state", "done"), _negated=True),
                    models.Q(("decided_by", models.F("made_by")), _negated=True),
                    _connector="OR",
                ),
                name="payment_not_approved_by_its_maker",
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by__isnull", True),
                    models.Q(("state", "done"), _negated=True),
                    models.Q(("decided_by", models.F("account")), _negated=True),
                    _connector="OR",
                ),
                name="payment_not_approved_by_its_payee",
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("needs_approval", False),
                    models.Q(("state", "done"), _negated=True),
                    ("decided_by__isnull", False),
                    _connector="OR",
                ),
                name="payment_approved_if_it_needs_to",
            ),
        ),
        migrations.AddConstraint(
            model_name="manualpayment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("corrects__isnull", False), models.Q(("state", "rejected"), _negated=True)),
                fields=("corrects",),
                name="payment_corrected_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentlimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("alone_up_to__gte", 0), ("per_day__gte", 0), ("per_payment__gte", 0)),
                name="payment_limit_not_negative",
            ),
        ),
    ]
