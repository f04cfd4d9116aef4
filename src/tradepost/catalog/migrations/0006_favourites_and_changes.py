"""Favourites of accounts, and a record of what changes for customers, kept by a trigger."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

RECORD = """
CREATE FUNCTION record_service_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO catalog_change (service_id, kind, rate) VALUES (NEW.id, 'new', NEW.rate);
    ELSIF NEW.is_active <> OLD.is_active THEN
        INSERT INTO catalog_change (service_id, kind, was, rate)
        VALUES (NEW.id, CASE WHEN NEW.is_active THEN 'on sale' ELSE 'off sale' END, OLD.rate, NEW.rate);
    ELSE
        INSERT INTO catalog_change (service_id, kind, was, rate) VALUES (NEW.id, 'rate', OLD.rate, NEW.rate);
    END IF;
    RETURN NULL;
END $$;
-- What isn't on sale is no news.
CREATE TRIGGER record_new AFTER INSERT ON catalog_service
    FOR EACH ROW WHEN (NEW.is_active) EXECUTE FUNCTION record_service_change();
CREATE TRIGGER record_change AFTER UPDATE OF rate, is_active ON catalog_service
    FOR EACH ROW WHEN (NEW.is_active <> OLD.is_active OR NEW.is_active AND NEW.rate <> OLD.rate)
    EXECUTE FUNCTION record_service_change();
"""
FORGET = """
DROP TRIGGER record_change ON catalog_service;
DROP TRIGGER record_new ON catalog_service;
DROP FUNCTION record_service_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_quarantine"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Favourite",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "service_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favourites",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.service",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("new", "new"), ("on sale", "on sale"), ("off sale", "off sale"), ("rate", "rate")],
                        max_length=8,
                    ),
                ),
                ("was", models.DecimalField(decimal_places=7, help_text="The rate before.", max_digits=20, null=True)),
                ("rate", models.DecimalField(decimal_places=7, max_digits=20)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "service",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="catalog.service",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ("new", "on sale", "off sale", "rate"))),
                        name="change_kind_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(RECORD, FORGET),
    ]
