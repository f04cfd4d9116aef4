from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_verified_addresses")]
    operations = [
        migrations.AlterModelOptions(
            name="account",
            options={
                "ordering": ("id",),
                "permissions": (("manage_staff", "Can say who is staff, and in which role"),),
            },
        ),
    ]
