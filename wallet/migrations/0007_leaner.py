from pathlib import Path

from django.db import migrations, models

from aurix import schema

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("wallet", "0006_transfers")]

    operations = [
        migrations.RemoveConstraint(model_name="wallet", name="wallet_gold_not_negative"),
        migrations.RemoveConstraint(model_name="wallet", name="wallet_cash_not_negative"),
        migrations.RemoveConstraint(model_name="wallet", name="wallet_number_not_negative"),
        migrations.RemoveConstraint(model_name="wallet", name="wallet_held_within_cash"),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("cash__gte", models.F("held")), ("gold__gte", 0), ("held__gte", 0), ("number__gte", 0)
                ),
                name="wallet_nothing_negative",
            ),
        ),
        schema.sql_file(SQL / "leaner.sql"),
    ]
