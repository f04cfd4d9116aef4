"""Language, time zone and appearance of an account's pages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_test_accounts"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="language",
            field=models.CharField(
                blank=True,
                choices=[("", "Like the browser"), ("en", "English"), ("es", "Español"), ("ru", "Русский")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="theme",
            field=models.CharField(
                blank=True,
                choices=[("", "Like the device"), ("light", "Light"), ("dark", "Dark")],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="timezone",
            field=models.CharField(db_default="UTC", default="UTC", max_length=64),
        ),
    ]
