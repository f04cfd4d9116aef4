from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0005_payments_stay"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("kind", "charge"), _negated=True),
                fields=["kind", "id"],
                name="transfer_other_than_charge",
            ),
        ),
    ]
