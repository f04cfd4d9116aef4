"""Test accounts: each stands for another account, and is suspended along with it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tradepost.accounts.models

FOLLOW = """
CREATE FUNCTION follow_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_account
    SET is_active = NEW.is_active, duplicate_window_seconds = NEW.duplicate_window_seconds
    WHERE test_of_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER follow_account AFTER UPDATE OF is_active, duplicate_window_seconds ON accounts_account
    FOR EACH ROW WHEN (NEW.test_of_id IS NULL) EXECUTE FUNCTION follow_account();
"""
NO_FOLLOW = """
DROP TRIGGER follow_account ON accounts_account;
DROP FUNCTION follow_account();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_retries"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="test_of",
            field=models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="test_account",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="account",
            name="email",
            field=tradepost.accounts.models.LowercaseEmailField(
                max_length=254, null=True, unique=True, verbose_name="e-mail"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("email__isnull", True), ("test_of__isnull", False)),
                    models.Q(("email__isnull", False), ("test_of__isnull", True)),
                    _connector="OR",
                ),
                name="account_person_or_test",
            ),
        ),
        migrations.RunSQL(FOLLOW, NO_FOLLOW),
    ]
