"""What an order at a provider was to cost."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_back_office"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="cost_expected",
            field=models.DecimalField(
                decimal_places=5,
                help_text="What it was to cost when it was sent, by its list.",
                max_digits=20,
                null=True,
            ),
        ),
    ]
