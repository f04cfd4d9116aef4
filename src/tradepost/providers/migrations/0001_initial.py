"""Providers, what they sell, and the routes to it; a change of routes counts the catalog's version up."""

from decimal import Decimal

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

COUNT = """
CREATE TRIGGER count_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON providers_route
    FOR EACH STATEMENT EXECUTE FUNCTION count_catalog_version();
CREATE TRIGGER count_version AFTER UPDATE OF is_gone ON providers_providerservice
    FOR EACH STATEMENT EXECUTE FUNCTION count_catalog_version();
"""
FORGET = """
DROP TRIGGER count_version ON providers_route;
DROP TRIGGER count_version ON providers_providerservice;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0004_providers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Provider",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "url",
                    models.URLField(
                        help_text="The address of its API, like /api/v2, as it is.",
                        max_length=500,
                        verbose_name="API address",
                    ),
                ),
                ("sealed_key", models.BinaryField()),
                (
                    "currency",
                    models.CharField(default="USD", help_text="What its rates and its balance are in.", max_length=3),
                ),
                (
                    "exchange_rate",
                    models.DecimalField(
                        decimal_places=10,
                        default=1,
                        help_text="What one unit of its currency is worth in ours.",
                        max_digits=20,
                        validators=[django.core.validators.MinValueValidator(Decimal("1E-10"))],
                    ),
                ),
                (
                    "requests_a_second",
                    models.PositiveIntegerField(
                        default=10,
                        help_text="Never more than so many.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                    ),
                ),
                (
                    "parallel_requests",
                    models.PositiveIntegerField(
                        default=4,
                        help_text="Never more than so many.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(64),
                        ],
                    ),
                ),
                (
                    "takes_idempotency_keys",
                    models.BooleanField(
                        default=False,
                        help_text="Another Tradepost does: an order whose answer was lost is asked for again by its key, safely.",
                    ),
                ),
                (
                    "is_paused",
                    models.BooleanField(
                        default=False, help_text="Nothing is sent to it; its orders wait.", verbose_name="paused"
                    ),
                ),
                (
                    "low_balance",
                    models.DecimalField(
                        blank=True, decimal_places=5, help_text="Below it an alarm is raised.", max_digits=20, null=True
                    ),
                ),
                (
                    "price_rise_percent_max",
                    models.PositiveIntegerField(
                        default=20,
                        help_text="A service whose rate rises by more is taken off sale, for a person to look at.",
                    ),
                ),
                ("balance", models.DecimalField(decimal_places=5, editable=False, max_digits=20, null=True)),
                ("balance_at", models.DateTimeField(editable=False, null=True)),
                (
                    "retry_at",
                    models.DateTimeField(editable=False, help_text="Until then nothing is sent to it.", null=True),
                ),
                (
                    "trouble",
                    models.CharField(
                        blank=True, editable=False, help_text="Why nothing is sent to it.", max_length=300
                    ),
                ),
                ("synced_at", models.DateTimeField(editable=False, null=True)),
                ("sync_error", models.CharField(blank=True, editable=False, max_length=300)),
                ("requests", models.BigIntegerField(default=0, editable=False)),
                (
                    "failures",
                    models.BigIntegerField(default=0, editable=False, help_text="Requests that got no clear answer."),
                ),
                (
                    "milliseconds",
                    models.BigIntegerField(default=0, editable=False, help_text="That all requests took together."),
                ),
            ],
            options={
                "ordering": ("name",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("exchange_rate__gt", 0)), name="provider_exchange_rate_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("parallel_requests__gte", 1), ("requests_a_second__gte", 1)),
                        name="provider_limits_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderService",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("upstream_id", models.CharField(max_length=64, verbose_name="id there")),
                ("name", models.CharField(max_length=500)),
                ("type", models.CharField(max_length=64)),
                ("category", models.CharField(blank=True, max_length=300)),
                ("rate", models.DecimalField(decimal_places=7, max_digits=20)),
                ("min", models.PositiveBigIntegerField(default=1)),
                ("max", models.PositiveBigIntegerField(default=1)),
                ("refill", models.BooleanField(default=False)),
                ("cancel", models.BooleanField(default=False)),
                ("dripfeed", models.BooleanField(default=False, verbose_name="drip-feed")),
                ("description", models.TextField(blank=True)),
                ("average_time", models.CharField(blank=True, max_length=60)),
                (
                    "is_gone",
                    models.BooleanField(
                        default=False, help_text="Its provider does not list it any more.", verbose_name="gone"
                    ),
                ),
                ("changed_at", models.DateTimeField(null=True)),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="services", to="providers.provider"
                    ),
                ),
            ],
            options={
                "ordering": ("provider", "category", "id"),
            },
        ),
        migrations.CreateModel(
            name="Round",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "provider_id", "age", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("age", models.SmallIntegerField()),
                ("began_at", models.DateTimeField()),
                ("before_at", models.DateTimeField(null=True)),
                ("before_order", models.BigIntegerField(null=True)),
                (
                    "provider",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="providers.provider",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Route",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(default=1, help_text="The lowest is tried first.")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "multiplier",
                    models.DecimalField(
                        decimal_places=4,
                        default=1,
                        help_text="How many of the provider's make one of ours.",
                        max_digits=10,
                        validators=[django.core.validators.MinValueValidator(Decimal("0.0001"))],
                    ),
                ),
                (
                    "overflow_percent",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="How much more is ordered, against what drops off.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "follows",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("rate", "rate"),
                                ("min", "min"),
                                ("max", "max"),
                                ("name", "name"),
                                ("description", "description"),
                                ("refill", "refill"),
                                ("cancel", "cancel"),
                                ("dripfeed", "dripfeed"),
                            ],
                            max_length=16,
                        ),
                        blank=True,
                        default=list,
                        help_text="What of the service follows its provider's.",
                    ),
                ),
                (
                    "markup_percent",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        help_text="What the rate is above the provider's, if it follows it.",
                        max_digits=8,
                    ),
                ),
                (
                    "rate_decimals",
                    models.PositiveSmallIntegerField(
                        default=4,
                        help_text="The rate is rounded up to so many decimals.",
                        validators=[django.core.validators.MaxValueValidator(7)],
                    ),
                ),
                (
                    "provider_service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="routes",
                        to="providers.providerservice",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="routes", to="catalog.service"
                    ),
                ),
            ],
            options={
                "ordering": ("service", "position", "id"),
            },
        ),
        migrations.AddConstraint(
            model_name="providerservice",
            constraint=models.UniqueConstraint(fields=("provider", "upstream_id"), name="provider_service_once"),
        ),
        migrations.AddConstraint(
            model_name="providerservice",
            constraint=models.CheckConstraint(
                condition=models.Q(("rate__gte", 0)), name="provider_service_rate_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="route",
            constraint=models.UniqueConstraint(fields=("service", "provider_service"), name="route_once"),
        ),
        migrations.AddConstraint(
            model_name="route",
            constraint=models.CheckConstraint(
                condition=models.Q(("multiplier__gt", 0)), name="route_multiplier_positive"
            ),
        ),
        migrations.RunSQL(COUNT, FORGET),
    ]
