"""What is in quarantine is not on sale, whoever would put it there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0004_providers"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="service",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_active", False), ("quarantine", ""), _connector="OR"),
                name="service_quarantined_not_sold",
            ),
        ),
    ]
