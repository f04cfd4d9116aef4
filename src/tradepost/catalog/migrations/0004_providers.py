from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_refills"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="service",
            name="service_fulfilment_known",
        ),
        migrations.AddField(
            model_name="service",
            name="on_refusal",
            field=models.CharField(
                choices=[("cancel", "cancel"), ("hold", "hold")],
                db_default="cancel",
                default="cancel",
                help_text="What becomes of an order that every provider has refused: canceled with its money back, or held.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="quarantine",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Why it was taken off sale by itself; empty once settled.",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="service",
            name="fulfilment",
            field=models.CharField(
                choices=[("manual", "By hand"), ("simulated", "Simulator"), ("provider", "Provider")],
                db_default="manual",
                default="manual",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="service",
            constraint=models.CheckConstraint(
                condition=models.Q(("fulfilment__in", ["manual", "simulated", "provider"])),
                name="service_fulfilment_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="service",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_refusal__in", ["cancel", "hold"])), name="service_on_refusal_known"
            ),
        ),
    ]
