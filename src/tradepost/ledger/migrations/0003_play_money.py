"""Play money: test accounts have their own, and one house account is the other side of it all."""

from django.db import migrations, models

HOUSE = "INSERT INTO ledger_account (id, name, is_play) VALUES (4, 'Play money', true);"
NO_HOUSE = """
ALTER TABLE ledger_account DISABLE TRIGGER refuse_change;
DELETE FROM ledger_account WHERE id = 4;
ALTER TABLE ledger_account ENABLE TRIGGER refuse_change;
"""
OPEN = """
CREATE OR REPLACE FUNCTION open_ledger_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_account (account_id, name, balance{column}) VALUES (NEW.id, '', 0{value});
    RETURN NULL;
END $$;
"""
OPEN_PLAY = OPEN.format(column=", is_play", value=", NEW.test_of_id IS NOT NULL")
OPEN_REAL = OPEN.format(column="", value="")


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0002_rules"),
        ("accounts", "0004_test_accounts"),
        ("orders", "0004_parts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="transfer",
            name="transfer_kind_known",
        ),
        migrations.AddField(
            model_name="ledgeraccount",
            name="is_play",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Belongs to a test account; no real money.",
                verbose_name="play money",
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="kind",
            field=models.CharField(
                choices=[
                    ("charge", "Order"),
                    ("partial", "Refund of the undelivered part"),
                    ("cancel", "Refund of a canceled order"),
                    ("unused", "Refund of runs or posts not made"),
                    ("top-up", "Top-up"),
                    ("adjustment", "Correction"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["charge", "partial", "cancel", "unused", "top-up", "adjustment"])),
                name="transfer_kind_known",
            ),
        ),
        migrations.RunSQL(HOUSE, NO_HOUSE),
        migrations.RunSQL(OPEN_PLAY, OPEN_REAL),
    ]
