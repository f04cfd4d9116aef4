"""Price lists and who is on them; each change counts the catalog's version up (decision 0044)."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

TABLES = ("catalog_pricelist", "catalog_pricelistdiscount", "catalog_pricelistrate", "catalog_pricelistmember")

COUNT = "".join(
    f"CREATE TRIGGER count_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION count_catalog_version();"
    for table in TABLES
)
FORGET = "".join(f"DROP TRIGGER count_version ON {table};" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("catalog", "0006_favourites_and_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="PriceList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "discount_percent",
                    models.DecimalField(
                        db_default=0,
                        decimal_places=4,
                        default=0,
                        help_text="On everything that no rate and no category's discount of this list says otherwise of.",
                        max_digits=7,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="discount, percent",
                    ),
                ),
                (
                    "not_below_cost",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="What the list decides is raised to what a service costs by its dearest route, if that is more; but never above the service's own rate.",
                    ),
                ),
                ("note", models.TextField(blank=True, db_default="", help_text="For staff.")),
            ],
            options={
                "ordering": ("name",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("discount_percent__gte", 0), ("discount_percent__lte", 100)),
                        name="price_list_discount_percent",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceListMember",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="price_list_membership",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("since", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                (
                    "price_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="members", to="catalog.pricelist"
                    ),
                ),
            ],
            options={
                "verbose_name": "member",
                "ordering": ("since", "account"),
            },
        ),
        migrations.CreateModel(
            name="PriceListDiscount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "discount_percent",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="0: none on this category.",
                        max_digits=7,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="discount, percent",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalog.category"
                    ),
                ),
                (
                    "price_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="discounts", to="catalog.pricelist"
                    ),
                ),
            ],
            options={
                "verbose_name": "discount on a category",
                "verbose_name_plural": "discounts on categories",
                "constraints": [
                    models.UniqueConstraint(fields=("price_list", "category"), name="price_list_discount_once"),
                    models.CheckConstraint(
                        condition=models.Q(("discount_percent__gte", 0), ("discount_percent__lte", 100)),
                        name="category_discount_percent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceListRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rate",
                    models.DecimalField(
                        decimal_places=7, max_digits=20, validators=[django.core.validators.MinValueValidator(0)]
                    ),
                ),
                (
                    "price_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rates", to="catalog.pricelist"
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalog.service"
                    ),
                ),
            ],
            options={
                "verbose_name": "rate of a service",
                "verbose_name_plural": "rates of services",
                "constraints": [
                    models.UniqueConstraint(fields=("price_list", "service"), name="price_list_rate_once"),
                    models.CheckConstraint(condition=models.Q(("rate__gte", 0)), name="price_list_rate_not_negative"),
                ],
            },
        ),
        migrations.RunSQL(COUNT, FORGET),
    ]
