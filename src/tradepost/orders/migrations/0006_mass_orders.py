"""Orders placed many at once, and a quick way to an account's drip-feeds and subscriptions."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_preferences"),
        ("catalog", "0006_favourites_and_changes"),
        ("orders", "0005_upstream"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="order",
            name="order_mode_known",
        ),
        migrations.AlterField(
            model_name="order",
            name="mode",
            field=models.CharField(
                choices=[("api", "api"), ("web", "web"), ("mass", "mass"), ("drip", "drip"), ("post", "post")],
                max_length=8,
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("parts__isnull", False)), fields=["account", "id"], name="order_made_of_parts"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["api", "web", "mass", "drip", "post"])), name="order_mode_known"
            ),
        ),
    ]
