from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_staff_records_stay")]
    operations = [
        migrations.AlterModelOptions(
            name="account",
            options={
                "ordering": ("id",),
                "permissions": (
                    ("manage_staff", "Can say who is staff, and in which role"),
                    ("hijack_account", "Can log in as a customer"),
                ),
            },
        ),
    ]
